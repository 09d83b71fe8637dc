package rule

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

const (
	// maxLength bounds a rule's bytes; a thousand hosts fit.
	maxLength = 32 << 10
	// maxDepth bounds how deep negations and changes between && and || nest.
	maxDepth = 100
)

// builder turns Go's syntax tree, whose expressions rules are, into nodes.
type builder struct {
	language
	fset   *token.FileSet
	source string
	doubts []Doubt
}

// language is the matchers of one kind of rule.
type language struct {
	specs   []spec
	example string // a matcher with its argument
	// foreign says how to fix the name, in lower case, of a matcher that other
	// rules have; empty where none has it.
	foreign func(name string) (why, hint string)
}

func (l language) parse(s string) (node, []Doubt, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil, &Error{Line: 1, Column: 1, Message: "the rule is empty", hint: "write a matcher, such as " + l.example}
	}
	if len(s) > maxLength {
		return nil, nil, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the rule is longer than %d bytes", maxLength)}
	}
	b := &builder{language: l, fset: token.NewFileSet(), source: s}
	expr, err := parser.ParseExprFrom(b.fset, "", s, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, syntaxError(s, err)
	}
	root, err := b.expr(expr, false, 0)
	return root, b.doubts, err
}

// expr builds one expression. Negations are carried down to the matchers, by
// De Morgan's laws.
func (b *builder) expr(e ast.Expr, negated bool, depth int) (node, error) {
	e = ast.Unparen(e)
	if depth > maxDepth {
		return nil, b.fail(e.Pos(), "the rule nests too deeply", "")
	}
	switch n := e.(type) {
	case *ast.BinaryExpr:
		return b.binary(n, negated, depth)
	case *ast.UnaryExpr:
		if n.Op != token.NOT {
			return nil, b.operator(n.OpPos, n.Op)
		}
		return b.expr(n.X, !negated, depth+1)
	case *ast.CallExpr:
		m, err := b.call(n)
		if err != nil {
			return nil, err
		}
		return leaf{m, negated, b.text(n)}, nil
	case *ast.Ident:
		return nil, b.fail(n.Pos(), fmt.Sprintf("%s lacks its arguments", n.Name), "write it as "+n.Name+"(`…`)")
	}
	return nil, b.fail(e.Pos(), "a matcher such as "+b.example+" is expected here", "")
}

// binary builds a chain of one operator as one node, however long it is.
func (b *builder) binary(n *ast.BinaryExpr, negated bool, depth int) (node, error) {
	op := n.Op
	if op != token.LAND && op != token.LOR {
		return nil, b.operator(n.OpPos, op)
	}
	var operands []ast.Expr
	for {
		operands = append(operands, n.Y)
		left := ast.Unparen(n.X)
		next, ok := left.(*ast.BinaryExpr)
		if !ok || next.Op != op {
			operands = append(operands, left)
			break
		}
		n = next
	}
	slices.Reverse(operands)
	nodes := make([]node, len(operands))
	for i, operand := range operands {
		var err error
		if nodes[i], err = b.expr(operand, negated, depth+1); err != nil {
			return nil, err
		}
	}
	if (op == token.LAND) != negated {
		return all(nodes), nil
	}
	return anyOf(nodes), nil
}

func (b *builder) fail(pos token.Pos, message, hint string) *Error {
	at := b.fset.PositionFor(pos, false)
	return &Error{Line: at.Line, Column: at.Column, Message: message, hint: hint}
}

// text is the source of an expression.
func (b *builder) text(e ast.Expr) string {
	file := b.fset.File(e.Pos())
	return b.source[file.Offset(e.Pos()):file.Offset(e.End())]
}

func (b *builder) operator(pos token.Pos, op token.Token) *Error {
	return b.fail(pos, fmt.Sprintf("%s is not an operator of rules", op), "the operators are && || ! and ( )")
}

// syntaxError puts the first complaint of Go's parser into the words of rules.
func syntaxError(source string, err error) error {
	list, ok := errors.AsType[scanner.ErrorList](err)
	if !ok || len(list) == 0 {
		return &Error{Line: 1, Column: 1, Message: err.Error()}
	}
	first := list[0]
	// The offset, unlike line and column, does not heed "//line" comments.
	before := source[:min(first.Pos.Offset, len(source))]
	e := &Error{Line: 1 + strings.Count(before, "\n"), Column: len(before) - strings.LastIndexByte(before, '\n'), Message: first.Msg}
	switch {
	case strings.Contains(first.Msg, "rune literal"), strings.Contains(first.Msg, "escape is invalid"):
		e.Message, e.hint = singleQuotes, quoting
	case strings.Contains(first.Msg, "literal not terminated"):
		e.Message, e.hint = "a quote is not closed", quoting
	case strings.Contains(first.Msg, "in argument list"), strings.Contains(first.Msg, "expected ')'"):
		e.Message = "a parenthesis is not closed, or a comma is missing"
	case strings.Contains(first.Msg, "expected 'EOF', found"):
		_, found, _ := strings.Cut(first.Msg, "found ")
		e.Message = "&& or || is expected before " + found
	}
	return e
}
