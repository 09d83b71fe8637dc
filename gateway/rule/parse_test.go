package rule_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"axion/gateway/rule"
)

// mistakes are rules that are refused.
var mistakes = []struct {
	name, rule string
	column     int
	want, hint string
}{
	{"ErrEmpty", " ", 1, "the rule is empty", "Host("},
	{"ErrV2Arguments", "Host(`a`, `b`)", 1, "Host takes 1 argument, not 2: several are Traefik v2's syntax", "write Host(`a`) || Host(`b`)"},
	{"ErrV2PathPrefix", "Host(`a`) && PathPrefix(`/a`,`/b`)", 14, "v2", "PathPrefix(`/a`) || PathPrefix(`/b`)"},
	{"ErrV2Headers", "Headers(`a`, `b`)", 1, "it is Traefik v2's", "write Header"},
	{"ErrV2Pattern", "Host(`{sub:[a-z]+}.localhost`)", 6, "v2", "HostRegexp"},
	{"ErrSingleQuotes", "Host('a.localhost')", 6, "single quotes", "backticks"},
	{"ErrSingleQuotedCharacter", "Host('a')", 6, "single quotes", "backticks"},
	{"ErrNoQuotes", "Host(a)", 6, "not a quoted string", "backticks"},
	{"ErrUnclosedQuote", "Host(`a)", 6, "a quote is not closed", "backticks"},
	{"ErrUnclosedParenthesis", "Host(`a`", 9, "a parenthesis is not closed", ""},
	{"ErrUnclosedGroup", "(Host(`a`) || Path(`/`)", 24, "a parenthesis is not closed", ""},
	{"ErrNoArgument", "Host()", 1, "Host takes 1 argument, not 0", ""},
	{"ErrEmptyArgument", "Host(``)", 6, "an argument is empty", ""},
	{"ErrHeaderArity", "Header(`a`)", 1, "Header takes 2 arguments, not 1", ""},
	{"ErrQueryArity", "Query(`a`,`b`,`c`)", 1, "Query takes 1 or 2 arguments, not 3", ""},
	{"ErrUnknown", "Hots(`a`)", 1, "Hots is not a matcher", "did you mean Host?"},
	{"ErrTCP", "HostSNI(`a`)", 1, "it is TCP's", "Host"},
	{"ErrPathSlash", "Path(`a`)", 6, "does not start with a slash", "write `/a`"},
	{"ErrRegexp", "HostRegexp(`(`)", 12, "missing closing )", "Go's"},
	{"ErrNotASCII", "Host(`bücher.localhost`)", 6, "is not ASCII", "write `xn--bcher-kva.localhost`"},
	{"ErrNotASCIIRegexp", "HostRegexp(`ü`)", 12, "is not ASCII", ""},
	{"ErrDot", "Host(`.`)", 6, "is not a host", ""},
	{"ErrV2Backtick", "Host(\"a`\", `b`)", 1, "v2", "Host(\"a`\") || Host(`b`)"},
	{"ErrWildcard", "Host(`a.*.localhost`)", 6, "wildcard", "HostRegexp"},
	{"ErrClientIP", "ClientIP(`10.0.0`)", 10, "neither an IP address nor a range", ""},
	{"ErrOperator", "Host(`a`) & Host(`b`)", 11, "& is not an operator of rules", "&&"},
	{"ErrUnary", "-Host(`a`)", 1, "- is not an operator of rules", ""},
	{"ErrNoOperator", "Host(`a`) Path(`/`)", 11, "&& or || is expected", ""},
	{"ErrBareName", "Host", 1, "Host lacks its arguments", "Host(`…`)"},
	{"ErrLiteral", "`a`", 1, "a matcher such as", ""},
	{"ErrMethodCall", "a.Host(`a`)", 1, "a matcher's name is expected", ""},
	{"ErrLong", "Path(`/" + strings.Repeat("a", 40<<10) + "`)", 1, "longer than", ""},
	{"ErrDeep", strings.Repeat("!", 200) + "Path(`/`)", 102, "nests too deeply", ""},
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range mistakes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := rule.Parse(tt.rule)
			e, ok := errors.AsType[*rule.Error](err)
			if !ok {
				t.Fatalf("got error %v, want a *rule.Error", err)
			}
			if e.Line != 1 || e.Column != tt.column {
				t.Errorf("got line %d column %d, want 1 %d (%v)", e.Line, e.Column, tt.column, err)
			}
			if !strings.Contains(e.Error(), tt.want) || !strings.Contains(e.Hint(), tt.hint) {
				t.Errorf("got %q, hint %q; want them to hold %q, %q", e.Error(), e.Hint(), tt.want, tt.hint)
			}
		})
	}
}

func TestParseErrorLine(t *testing.T) {
	t.Parallel()
	_, err := rule.Parse("Host(`a`) ||\n  Hots(`b`)")
	if err == nil || !strings.Contains(err.Error(), "line 2 column 3") {
		t.Errorf("got %v, want line 2 column 3", err)
	}
}

func TestParseLongChain(t *testing.T) {
	t.Parallel()
	s := "Host(`a`)" + strings.Repeat(" || Host(`b`)", 2000)
	if hosts, _ := parse(t, s).Hosts(); !slices.Equal(hosts, []string{"a", "b"}) {
		t.Errorf("got hosts %v, want a and b", hosts)
	}
	if got := parse(t, s).String(); got != s {
		t.Error("String is not the source")
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rule  string
		hosts []string
		all   bool
		allow map[string]bool
	}{
		{"Host(`B.localhost`) || Host(`a.localhost`)", []string{"a.localhost", "b.localhost"}, false,
			map[string]bool{"a.localhost": true, "B.localhost.": true, "c.localhost": false}},
		{"Host(`a`) && PathPrefix(`/x`)", []string{"a"}, false, map[string]bool{"a": true, "b": false}},
		{"PathPrefix(`/x`)", nil, true, map[string]bool{"a": false}},
		{"Host(`*`)", nil, true, map[string]bool{"a": false}},
		{"Host(`*.localhost`)", nil, true, map[string]bool{"a.localhost": true, "localhost": false}},
		{"HostRegexp(`^a`)", nil, true, map[string]bool{"ab": true, "ba": false}},
		{"!Host(`a`)", nil, true, map[string]bool{"a": false, "b": false}},
		{"!HostRegexp(`^a`) && Host(`b`)", []string{"b"}, false, map[string]bool{"a": false, "b": true}},
		{"Host(`a`) || Path(`/x`)", []string{"a"}, true, map[string]bool{"a": true, "b": false}},
		{"Host(`a`) && !Host(`a`)", nil, false, map[string]bool{"a": false}},
		{"Host(`a`) && Host(`b`)", nil, false, map[string]bool{"a": false, "b": false}},
		{"HostRegexp(`^a`) && (Host(`ab`) || Host(`b`))", []string{"ab"}, false, map[string]bool{"ab": true, "b": false}},
		{"!(Host(`a`) || Path(`/x`)) && HostRegexp(`.`)", nil, true, map[string]bool{"a": false, "b": true}},
		{"Host(`10::10`)", []string{"10::10"}, false, map[string]bool{"[10::10]": true}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			r := parse(t, tt.rule)
			if hosts, all := r.Hosts(); !slices.Equal(hosts, tt.hosts) || all != tt.all {
				t.Errorf("got hosts %v, all %t; want %v, %t", hosts, all, tt.hosts, tt.all)
			}
			for host, want := range tt.allow {
				if got := r.AllowsHost(host); got != want {
					t.Errorf("AllowsHost(%s): got %t, want %t", host, got, want)
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"Host(`a.localhost`)", "!(Host(`*.a`) && PathPrefix(`/x`)) || Query(`a`)", "Host('a')", "HostRegexp(`^[a-z]+$`)",
		"ClientIP(`10.0.0.0/8`) && Method(`GET`)", "((((", "!!!!", "Host(`a`,`b`)", "Header(\"\\x41\", `b`)", "//line x:1\nHost(`a`)",
		"Host(`a`...)", "func(){}()",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := rule.Parse(s)
		if err != nil {
			if e, ok := errors.AsType[*rule.Error](err); !ok || e.Line < 1 || e.Column < 1 || e.Message == "" {
				t.Fatalf("%q: got error %#v without a place or message", s, err)
			}
			return
		}
		req := request(t, "GET", "http://a.localhost/x?a=1")
		hosts, all := r.Hosts()
		if r.Match(req) && !all && !slices.Contains(hosts, "a.localhost") {
			t.Fatalf("%q matches a host that Hosts does not list: %v", s, hosts)
		}
		again, err := rule.Parse("!(!(" + s + "\n))")
		if err == nil && again.Match(req) != r.Match(req) {
			t.Fatalf("%q: double negation changes the verdict", s)
		}
	})
}
