package gotemplate

import (
	"strconv"
	"text/template"
	"text/template/parse"
)

// The calls that are written into a template. They are defined after it was
// parsed, so that its author cannot call them.
const (
	stepGuard  = "_step"  // in each block
	enterGuard = "_enter" // at the start of each template
	leaveGuard = "_leave" // and at its end
	printGuard = "_print" // around what is printed
	valueGuard = "_value" // around what is handed to functions that cannot be wrapped
)

// unwrapped are text/template's functions that format their arguments in errors.
var unwrapped = map[string]bool{"eq": true, "ne": true}

// guarding writes guards into the trees of a template.
type guarding struct {
	functions template.FuncMap
	called    template.FuncMap
	err       error
}

func (g *guarding) template(t *parse.Tree) {
	list := t.Root
	g.list(list, 0)
	pos, line := list.Pos, 1
	list.Nodes = append([]parse.Node{call(enterGuard, pos, line)}, list.Nodes...)
	list.Nodes = append(list.Nodes, call(leaveGuard, pos, line))
}

func (g *guarding) list(list *parse.ListNode, depth int) {
	if list == nil || g.err != nil {
		return
	}
	if depth > maxNesting {
		g.err = &Error{Err: overBudget("the template's blocks nest deeper than %d levels", maxNesting)}
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			g.pipe(n.Pipe, depth)
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, command(printGuard, n.Pos, n.Line))
			}
		case *parse.IfNode:
			g.branch(&n.BranchNode, depth)
		case *parse.WithNode:
			g.branch(&n.BranchNode, depth)
		case *parse.RangeNode:
			g.branch(&n.BranchNode, depth)
		case *parse.TemplateNode:
			g.pipe(n.Pipe, depth)
		}
	}
}

func (g *guarding) branch(n *parse.BranchNode, depth int) {
	g.pipe(n.Pipe, depth)
	for _, list := range []*parse.ListNode{n.List, n.ElseList} {
		if list != nil {
			g.list(list, depth+1)
			list.Nodes = append([]parse.Node{call(stepGuard, n.Pos, n.Line)}, list.Nodes...)
		}
	}
}

// pipe notes which functions are called.
func (g *guarding) pipe(p *parse.PipeNode, depth int) {
	if p == nil || g.err != nil {
		return
	}
	var cmds []*parse.CommandNode
	for i, c := range p.Cmds {
		guard := g.command(c, depth)
		if guard && i > 0 {
			cmds = append(cmds, command(valueGuard, c.Pos, p.Line))
		}
		cmds = append(cmds, c)
	}
	p.Cmds = cmds
}

// command reports whether the function's arguments must be guarded.
func (g *guarding) command(c *parse.CommandNode, depth int) bool {
	guard := false
	for i, arg := range c.Args {
		switch n := arg.(type) {
		case *parse.IdentifierNode:
			if f, ok := g.functions[n.Ident]; ok {
				g.called[n.Ident] = f
			}
			guard = guard || i == 0 && unwrapped[n.Ident]
		case *parse.PipeNode:
			g.pipe(n, depth)
		case *parse.ChainNode:
			if inner, ok := n.Node.(*parse.PipeNode); ok {
				g.pipe(inner, depth)
			}
		}
	}
	if !guard {
		return false
	}
	for i, arg := range c.Args[1:] {
		switch arg.(type) {
		case *parse.VariableNode, *parse.FieldNode, *parse.ChainNode, *parse.PipeNode, *parse.DotNode:
			inner := command(valueGuard, c.Pos, 0)
			inner.Args = append(inner.Args, arg)
			c.Args[i+1] = &parse.PipeNode{NodeType: parse.NodePipe, Pos: c.Pos, Cmds: []*parse.CommandNode{inner}}
		}
	}
	return true
}

// call is the action {{ guard line }}.
func call(guard string, pos parse.Pos, line int) parse.Node {
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: pos, Line: line,
		Pipe: &parse.PipeNode{NodeType: parse.NodePipe, Pos: pos, Line: line, Cmds: []*parse.CommandNode{command(guard, pos, line)}}}
}

func command(guard string, pos parse.Pos, line int) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: []parse.Node{
		parse.NewIdentifier(guard).SetPos(pos),
		&parse.NumberNode{NodeType: parse.NodeNumber, Pos: pos, IsInt: true, Int64: int64(line), Text: strconv.Itoa(line)},
	}}
}
