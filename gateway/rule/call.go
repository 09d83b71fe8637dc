package rule

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"strconv"
	"strings"

	"axion/gateway/config"
)

const (
	singleQuotes = "arguments do not take single quotes"
	quoting      = "put arguments in backticks, or in double quotes"
)

// call builds one matcher.
func (b *builder) call(c *ast.CallExpr) (matcher, error) {
	name, ok := c.Fun.(*ast.Ident)
	if !ok {
		return nil, b.fail(c.Pos(), "a matcher's name is expected here", "")
	}
	for _, s := range b.specs {
		if !s.spelled(name.Name) {
			continue
		}
		args, err := b.args(c)
		if err != nil {
			return nil, err
		}
		if len(args) < s.min || len(args) > s.max {
			return nil, b.arity(c, s, args)
		}
		m, err := s.build(args)
		if e, ok := errors.AsType[*Error](err); ok {
			return nil, b.fail(c.Args[0].Pos(), s.name+": "+e.Message, e.hint)
		}
		if message, hint := doubt(s.name, args); message != "" && err == nil {
			at := b.fail(c.Pos(), message, hint)
			b.doubts = append(b.doubts, Doubt{at.Line, at.Column, at.Message, at.hint})
		}
		return m, err
	}
	return nil, b.unknown(name)
}

// args are the call's string literals.
func (b *builder) args(c *ast.CallExpr) ([]string, error) {
	if c.Ellipsis.IsValid() {
		return nil, b.fail(c.Ellipsis, "... has no meaning in rules", "")
	}
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		lit, ok := a.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			message := "an argument is not a quoted string"
			if ok && lit.Kind == token.CHAR {
				message = singleQuotes
			}
			return nil, b.fail(a.Pos(), message, quoting)
		}
		s, err := strconv.Unquote(lit.Value)
		if err != nil {
			return nil, b.fail(a.Pos(), "an argument is badly quoted", quoting)
		}
		if s == "" {
			return nil, b.fail(a.Pos(), "an argument is empty", "")
		}
		args[i] = s
	}
	return args, nil
}

// arity explains a wrong number of arguments. Several of them where one is
// taken is how v2 wrote alternatives.
func (b *builder) arity(c *ast.CallExpr, s spec, args []string) *Error {
	takes := fmt.Sprintf("%s takes %d argument", s.name, s.min)
	switch {
	case s.max != s.min:
		takes = fmt.Sprintf("%s takes %d or %d arguments", s.name, s.min, s.max)
	case s.min > 1:
		takes += "s"
	}
	message := fmt.Sprintf("%s, not %d", takes, len(args))
	if s.max > 1 || len(args) < 2 {
		return b.fail(c.Pos(), message, "")
	}
	alternatives := make([]string, len(args))
	for i, a := range args {
		alternatives[i] = s.name + "(" + quote(a) + ")"
	}
	return b.fail(c.Pos(), message+": several are Traefik v2's syntax", "write "+strings.Join(alternatives, " || "))
}

func quote(s string) string {
	if strings.Contains(s, "`") {
		return strconv.Quote(s)
	}
	return "`" + s + "`"
}

// unknown explains a name that is no matcher here.
func (b *builder) unknown(name *ast.Ident) *Error {
	message := name.Name + " is not a matcher"
	if why, hint := b.foreign(strings.ToLower(name.Name)); why != "" {
		return b.fail(name.Pos(), message+why, hint)
	}
	names := make([]string, len(b.specs))
	for i, s := range b.specs {
		names[i] = s.name
	}
	hint := "matchers are " + strings.Join(names, ", ")
	if near := config.Nearest(name.Name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return b.fail(name.Pos(), message, hint)
}

// notHTTP explains the matchers of Traefik v2 and of TCP rules.
func notHTTP(name string) (why, hint string) {
	switch name {
	case "headers", "headersregexp", "hostheader":
		v3 := map[string]string{"headers": "Header(`name`, `value`)", "headersregexp": "HeaderRegexp(`name`, `expression`)",
			"hostheader": "Host(`app.localhost`)"}
		return ": it is Traefik v2's", "write " + v3[name]
	case "hostsni", "hostsniregexp", "alpn":
		return " of HTTP: it is TCP's", "HTTP routers use Host or HostRegexp"
	}
	return "", ""
}
