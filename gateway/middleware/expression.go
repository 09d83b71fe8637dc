package middleware

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize/english"
)

const (
	maxExpression = 4 << 10 // bytes
	// maxNesting bounds the depth of an expression's tree.
	maxNesting = 100
)

// expression is a condition on a C, in Go's syntax: calls of known functions,
// compared to numbers or strings and joined by && || ! and parentheses.
type expression[C any] func(C) bool

// operand is a part of an expression. One of its fields is set.
type operand[C any] struct {
	truth  expression[C]
	number func(C) float64
	text   func(C) string
}

func (o operand[C]) kind() string {
	switch {
	case o.truth != nil:
		return "a condition"
	case o.number != nil:
		return "a number"
	}
	return "a text"
}

// function is what an expression may call, with as many numbers as arity says.
type function[C any] struct {
	arity int
	make  func(args []float64) operand[C]
}

// expressionError says why an expression was refused, and where.
type expressionError struct {
	field   string
	column  int // in bytes, from 1; lines are not counted apart
	message string
	hint    string
}

func (e *expressionError) Error() string {
	return fmt.Sprintf("%s, column %d: %s", e.field, e.column, e.message)
}

// Hint says how to.
func (e *expressionError) Hint() string { return e.hint }

// parseExpression names field in errors.
func parseExpression[C any](field, source string, functions map[string]function[C]) (expression[C], error) {
	p := &expressionParser[C]{field: field, files: token.NewFileSet(), functions: functions}
	switch {
	case strings.TrimSpace(source) == "":
		return nil, p.fail(0, "the expression is empty")
	case len(source) > maxExpression:
		return nil, p.fail(0, fmt.Sprintf("the expression is longer than %d bytes", maxExpression))
	}
	tree, err := parser.ParseExprFrom(p.files, "", source, parser.SkipObjectResolution)
	if err != nil {
		failed := p.fail(0, "it is not an expression")
		if list := (scanner.ErrorList)(nil); errors.As(err, &list) && len(list) > 0 {
			failed.column, failed.message = list[0].Pos.Offset+1, list[0].Msg
		}
		return nil, failed
	}
	o, err := p.operand(tree, 0)
	if err != nil {
		return nil, err
	}
	if o.truth == nil {
		return nil, p.fail(tree.Pos(), "this is "+o.kind()+", not a condition")
	}
	return o.truth, nil
}

type expressionParser[C any] struct {
	field     string
	files     *token.FileSet
	functions map[string]function[C]
}

func (p *expressionParser[C]) fail(at token.Pos, message string) *expressionError {
	e := &expressionError{field: p.field, column: 1, message: message}
	if at.IsValid() {
		e.column = p.files.Position(at).Offset + 1
	}
	e.hint = "known are " + strings.Join(slices.Sorted(maps.Keys(p.functions)), ", ") + ", compared by > >= < <= == != and joined by && || !"
	return e
}

func (p *expressionParser[C]) operand(e ast.Expr, depth int) (operand[C], error) {
	if depth > maxNesting {
		return operand[C]{}, p.fail(e.Pos(), "the expression nests too deeply")
	}
	switch n := ast.Unparen(e).(type) {
	case *ast.CallExpr:
		return p.call(n)
	case *ast.BasicLit:
		return p.literal(n)
	case *ast.BinaryExpr:
		x, err := p.operand(n.X, depth+1)
		if err != nil {
			return x, err
		}
		y, err := p.operand(n.Y, depth+1)
		if err != nil {
			return y, err
		}
		return p.binary(n, x, y)
	case *ast.UnaryExpr:
		x, err := p.operand(n.X, depth+1)
		switch {
		case err != nil:
			return x, err
		case n.Op != token.NOT:
			return x, p.fail(n.OpPos, "unknown operator "+n.Op.String())
		case x.truth == nil:
			return x, p.fail(n.OpPos, "! is for conditions, not for "+x.kind())
		}
		return operand[C]{truth: func(c C) bool { return !x.truth(c) }}, nil
	case *ast.Ident:
		return operand[C]{}, p.fail(n.Pos(), fmt.Sprintf("%s is not called: write %s()", n.Name, n.Name))
	}
	return operand[C]{}, p.fail(e.Pos(), "an expression has no such thing")
}

func (p *expressionParser[C]) call(n *ast.CallExpr) (operand[C], error) {
	name, ok := n.Fun.(*ast.Ident)
	if !ok || n.Ellipsis.IsValid() {
		return operand[C]{}, p.fail(n.Pos(), "this is not a function")
	}
	f, ok := p.functions[name.Name]
	if !ok {
		return operand[C]{}, p.fail(n.Pos(), fmt.Sprintf("unknown function %q", name.Name))
	}
	if len(n.Args) != f.arity {
		return operand[C]{}, p.fail(n.Pos(), fmt.Sprintf("%s takes %s, not %d", name.Name, english.Plural(f.arity, "argument", ""), len(n.Args)))
	}
	args := make([]float64, len(n.Args))
	for i, a := range n.Args {
		literal, ok := a.(*ast.BasicLit)
		if !ok || literal.Kind != token.INT && literal.Kind != token.FLOAT {
			return operand[C]{}, p.fail(a.Pos(), "the argument is to be a number")
		}
		var err error
		if args[i], err = p.number(literal); err != nil {
			return operand[C]{}, err
		}
	}
	return f.make(args), nil
}

func (p *expressionParser[C]) number(n *ast.BasicLit) (float64, error) {
	v, err := strconv.ParseFloat(n.Value, 64)
	if err != nil {
		return 0, p.fail(n.Pos(), n.Value+" is not a decimal number")
	}
	return v, nil
}

func (p *expressionParser[C]) literal(n *ast.BasicLit) (operand[C], error) {
	switch n.Kind {
	case token.INT, token.FLOAT:
		v, err := p.number(n)
		return operand[C]{number: func(C) float64 { return v }}, err
	case token.STRING:
		v, err := strconv.Unquote(n.Value)
		if err != nil {
			return operand[C]{}, p.fail(n.Pos(), n.Value+" is not a text")
		}
		return operand[C]{text: func(C) string { return v }}, nil
	}
	return operand[C]{}, p.fail(n.Pos(), n.Value+" is neither a number nor a text")
}

func (p *expressionParser[C]) binary(n *ast.BinaryExpr, x, y operand[C]) (operand[C], error) {
	var truth expression[C]
	switch {
	case x.kind() != y.kind():
		return x, p.fail(n.OpPos, fmt.Sprintf("%s stands between %s and %s", n.Op, x.kind(), y.kind()))
	case x.truth != nil:
		truth = join(n.Op, x.truth, y.truth)
	case x.number != nil:
		truth = compare(n.Op, x.number, y.number)
	case n.Op == token.EQL:
		truth = func(c C) bool { return x.text(c) == y.text(c) }
	case n.Op == token.NEQ:
		truth = func(c C) bool { return x.text(c) != y.text(c) }
	}
	if truth == nil {
		return x, p.fail(n.OpPos, fmt.Sprintf("%s is not for %s", n.Op, x.kind()))
	}
	return operand[C]{truth: truth}, nil
}

func join[C any](op token.Token, x, y expression[C]) expression[C] {
	switch op {
	case token.LAND:
		return func(c C) bool { return x(c) && y(c) }
	case token.LOR:
		return func(c C) bool { return x(c) || y(c) }
	}
	return nil
}

func compare[C any](op token.Token, x, y func(C) float64) expression[C] {
	switch op {
	case token.EQL:
		return func(c C) bool { return x(c) == y(c) }
	case token.NEQ:
		return func(c C) bool { return x(c) != y(c) }
	case token.LSS:
		return func(c C) bool { return x(c) < y(c) }
	case token.LEQ:
		return func(c C) bool { return x(c) <= y(c) }
	case token.GTR:
		return func(c C) bool { return x(c) > y(c) }
	case token.GEQ:
		return func(c C) bool { return x(c) >= y(c) }
	}
	return nil
}
