package label

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

const (
	// maxConstraint bounds an expression's bytes.
	maxConstraint = 8 << 10
	// maxNesting bounds how deep one nests.
	maxNesting = 100
)

// Constraint is Traefik's providers.docker.constraints: which containers count,
// by their labels, such as Label(`tier`,`web`) && !LabelRegex(`stage`,`^dev`).
type Constraint struct {
	match func(labels map[string]string) bool
}

// NewConstraint reads an expression. An empty one is nil, which every container
// meets.
func NewConstraint(text string) (*Constraint, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxConstraint {
		return nil, fmt.Errorf("the constraint is longer than %d bytes", maxConstraint)
	}
	expr, err := parser.ParseExprFrom(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("the constraint %s cannot be read: it is no expression such as Label(`tier`, `web`) && !LabelRegex(`stage`, "+
			"`^dev`)", text)
	}
	match, err := constraint(expr, 0)
	if err != nil {
		return nil, fmt.Errorf("the constraint %s: %w", text, err)
	}
	return &Constraint{match}, nil
}

// Met reports whether a service's labels meet the constraint. A nil one is met.
func (c *Constraint) Met(s Service) bool { return c == nil || c.match(AllLabels(s)) }

func constraint(e ast.Expr, depth int) (func(map[string]string) bool, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("it nests too deeply")
	}
	switch n := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		if n.Op != token.NOT {
			return nil, fmt.Errorf("%s is no operator of constraints", n.Op)
		}
		x, err := constraint(n.X, depth+1)
		return func(labels map[string]string) bool { return !x(labels) }, err
	case *ast.BinaryExpr:
		x, err := constraint(n.X, depth+1)
		if err != nil {
			return nil, err
		}
		y, err := constraint(n.Y, depth+1)
		switch n.Op {
		case token.LAND:
			return func(labels map[string]string) bool { return x(labels) && y(labels) }, err
		case token.LOR:
			return func(labels map[string]string) bool { return x(labels) || y(labels) }, err
		}
		return nil, fmt.Errorf("%s is no operator of constraints", n.Op)
	case *ast.CallExpr:
		return constraintCall(n)
	}
	return nil, fmt.Errorf("it takes Label and LabelRegex, joined by !, && and ||, only")
}

func constraintCall(n *ast.CallExpr) (func(map[string]string) bool, error) {
	name, _ := n.Fun.(*ast.Ident)
	if name == nil || name.Name != "Label" && name.Name != "LabelRegex" {
		return nil, fmt.Errorf("it takes Label and LabelRegex only")
	}
	var args []string
	for _, a := range n.Args {
		lit, ok := a.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return nil, fmt.Errorf("the arguments of %s are texts in backticks", name.Name)
		}
		text, err := strconv.Unquote(lit.Value)
		if err != nil {
			return nil, fmt.Errorf("the arguments of %s are texts in backticks", name.Name)
		}
		args = append(args, text)
	}
	if len(args) != 2 {
		return nil, fmt.Errorf("%s takes a label and a value", name.Name)
	}
	if name.Name == "Label" {
		return func(labels map[string]string) bool { return labels[args[0]] == args[1] }, nil
	}
	re, err := regexp.Compile(args[1])
	if err != nil {
		return nil, fmt.Errorf("its regular expression is malformed: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return func(labels map[string]string) bool {
		v, ok := labels[args[0]]
		return ok && re.MatchString(v)
	}, nil
}
