package explorer

import (
	"encoding/json"
	"strings"
	"testing"
)

const smallDocument = `{"a": {"a": {"a": [1, "x", null, [2, [3]]]}, "b": 4}, "items": [{"price": 12, "name": "tea"}, {"price": 8}]}`

// maxWork is how many nodes an allowed path may go through for each byte.
const maxWork = 1

// workOf counts the nodes that a path goes through.
func workOf(t *testing.T, p *path, value string) int {
	t.Helper()
	var root any
	if err := json.Unmarshal([]byte(value), &root); err != nil {
		t.Fatal(err)
	}
	did, nodes := 0, []any{root}
	for _, s := range p.query.Query().Segments() {
		var next []any
		for _, node := range nodes {
			next = append(next, s.Select(node, root)...)
		}
		did += len(next)
		nodes = next
	}
	return did
}

func TestPathRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{`$[?@[?@[?@]]]`, "inside a filter"},
		{`$` + strings.Repeat("[?@", 40) + strings.Repeat("]", 40), "inside a filter"},
		{`$[?@[?@.a > 1]]`, "inside a filter"},
		{`$[?!@..a]`, "inside a filter"},
		{`$[?@.*]`, "inside a filter"},
		{`$[?@[1:2]]`, "inside a filter"},
		{`$[?(@.a || !(@["a","b"]))]`, "inside a filter"},
		{`$[?count($..*)>0]`, "unknown function count()"},
		{`$[?length(value(@..a)) == 1]`, "like @.price > 10"},
		{`$[?search(@.a, "x{1000}")]`, "unknown function search()"},
		{`$[?match(@.a, @.b)]`, "unknown function match()"},
		{`$[?@.a][?@.b]`, "more than one filter"},
		{`$[?@.a,?@.b]`, "names, indexes, [*] and one filter"},
		{`$` + strings.Repeat("[*,*]", 20), "names, indexes, [*] and one filter"},
		{`$[*,*][*,*]`, "names, indexes, [*] and one filter"},
		{`$["a",1:2]`, "names, indexes, [*] and one filter"},
		{`$` + strings.Repeat(`["a","a"]`, 4), "names, indexes, [*] and one filter"},
		{`$` + strings.Repeat(`[0,-1]`, 20), "names, indexes, [*] and one filter"},
		{`$.items[0:1].price`, "names, indexes, [*] and one filter"},
		{`$..a`, "name the levels between"},
		{`$..*..*`, "name the levels between"},
		{`$..[?@ == 0]`, "name the levels between"},
		{`$.c[?$.a == $.b]`, "begin with @"},
		{`$.c[?@.a == $.b]`, "begin with @"},
		{`$.c[?$.a]`, "begin with @"},
		{`$[?@.a` + strings.Repeat("&&@.a", 10) + `]`, "more than 10 conditions"},
		{`$[?(@.a` + strings.Repeat("||@.a", 5) + `)&&!(@.a` + strings.Repeat("||@.a", 5) + `)]`, "more than 10 conditions"},
	} {
		if _, err := parsePath(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.text, err, tt.want)
		}
	}
}

func TestPathAllowed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`$.a.b`: true, `$.a.b == 4`: true, `$.a[*]`: true, `$.a.a.a[0]`: true, `$.a.a.a[-1][1][0] == 3`: true,
		`$.items[?@.price > 10]`: true, `$.items[?@.price > 12]`: false,
		`$.items[?@.price > 10].price > 11`: true, `$.items[*].price > 10`: true, `$.items[*].name ~ TE`: true,
		`$.items[?@.name == "tea" || @.price == 1]`: true, `$.items[?@.absent]`: false,
		`$.items[?@.name != "$" && !(@.price < 9)]`: true, `$["items"][*]["name"]`: true, `$["a..b..c..d"]`: false,
	} {
		p, err := parsePath(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := p.match([]byte(smallDocument)); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func TestPathWork(t *testing.T) {
	t.Parallel()
	// nested is a value as large as a path is tried on, with all its nodes at the bottom.
	nested := func(bytes, depth int) string {
		return strings.Repeat("[", depth) + strings.Repeat("0,", bytes/2-depth-1) + "0" + strings.Repeat("]", depth)
	}
	for _, text := range []string{
		`$[*]`, `$[?@ == 0]`, `$[*][*][?@ == 0]`, `$[0][0][0]` + strings.Repeat("[*]", 17),
		`$` + strings.Repeat("[*]", 90) + `[?@` + strings.Repeat("!=1&&@", 9) + `]`,
	} {
		p, err := parsePath(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, depth := range []int{1, 2, 20, 100} {
			value := nested(p.maxBytes, depth)
			if did := workOf(t, p, value); did > maxWork*len(value) {
				t.Errorf("%s at depth %d: %d nodes of %d bytes", text, depth, did, len(value))
			}
		}
		if p.match([]byte(nested(p.maxBytes+2, 1))) {
			t.Errorf("%s: fits a value that is too large", text)
		}
	}
}
