package layers

import (
	"slices"
	"testing"
)

// TestCheck: what no rule allows is refused, directly, on the way, in tests and in the
// libraries of libraries.
func TestCheck(t *testing.T) {
	t.Parallel()
	rules := []Rule{
		{Place: "", Why: "main wires", May: []string{"..."}},
		{Place: "gateway/...", Why: "apart"},
		{Place: "services/bus", Why: "messages", Tests: []string{"broker"}},
		{Place: "services/shop", Why: "over Kafka", May: []string{"services/bus"}},
		{Place: "broker", Why: "alone"},
	}
	parts := []Part{
		{Place: "gateway/...", Own: []string{"x.org/tls"}, Never: []string{"x.org/kafka"}},
		{Place: "services/...", Own: []string{"x.org/kafka"}, Tests: []string{"x.org/leak"}},
		{Place: "broker", Own: []string{"x.org/kafka"}},
		{Place: ""},
	}
	whole := func() map[string]Package {
		return map[string]Package{
			"m":               {Imports: []string{"m/gateway", "m/services/shop", "m/broker", "github.com/spf13/pflag"}},
			"m/gateway":       {Imports: []string{"m/gateway/rule", "x.org/tls/acme"}},
			"m/gateway/rule":  {Imports: []string{"broker"}},
			"m/services/bus":  {Imports: []string{"x.org/kafka"}, XTestImports: []string{"m/broker", "x.org/leak"}},
			"m/services/shop": {Imports: []string{"m/services/bus"}},
			"m/broker":        {Imports: []string{"x.org/kafka"}},
		}
	}
	for name, tt := range map[string]struct {
		path string
		set  Package
		want []string
	}{
		"OK":      {"m/broker", Package{}, nil},
		"Unknown": {"m/services/new", Package{}, []string{"services/new: no rule says what it may import; add one"}},
		"Direct":  {"m/services/shop", Package{Imports: []string{"m/gateway"}}, []string{"services/shop imports gateway: over Kafka"}},
		"Transitive": {"m/services/bus", Package{Imports: []string{"m/broker"}},
			[]string{"services/bus imports broker: messages",
				"services/shop → services/bus imports broker: over Kafka"}},
		"Below": {"m/gateway/rule", Package{Imports: []string{"m/broker"}},
			[]string{"gateway → gateway/rule imports broker: apart",
				"gateway/rule imports broker: apart"}},
		"Tests": {"m/gateway", Package{TestImports: []string{"m/services/bus"}}, []string{"gateway (tests) imports services/bus: apart"}},
		"Library": {"m/gateway", Package{Imports: []string{"x.org/kafka"}},
			[]string{"gateway imports x.org/kafka, which gateway/... does not name"}},
		"Prefix": {"m/gateway", Package{Imports: []string{"x.org/tlsother"}},
			[]string{"gateway imports x.org/tlsother, which gateway/... does not name"}},
		"LibraryTest": {"m/gateway", Package{TestImports: []string{"x.org/leak"}},
			[]string{"gateway (tests) imports x.org/leak, which gateway/... does not name"}},
		"Reaches": {"m/gateway", Package{Deps: []string{"x.org/kafka"}},
			[]string{"gateway reaches x.org/kafka, which nothing of gateway/... may"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := whole()
			all[tt.path] = tt.set
			var packages []Package
			for path, p := range all {
				p.ImportPath = path
				packages = append(packages, p)
			}
			if got := Check("m", packages, rules, parts); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := Check("m", nil, rules[:1], nil); !slices.Equal(got, []string{`rule "": no package is there`}) {
		t.Errorf("a rule for nothing: got %q", got)
	}
}
