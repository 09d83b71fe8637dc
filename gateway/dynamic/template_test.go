package dynamic_test

import (
	"strings"
	"testing"

	"axion/gateway/dynamic"
)

func TestTemplate(t *testing.T) {
	t.Parallel()
	set, problems := dynamic.Read(t.Context(), "a.yml", []byte(`http:
  services:
{{- range $i, $host := split (env "HOSTS") "," }}
    {{ normalize $host }}:
      loadBalancer:
        servers:
          - url: http://{{ $host | upper }}:{{ add 3000 $i }}
{{- end }}
  routers:
    last:
      rule: x
`), func(name string) (string, bool) { return map[string]string{"HOSTS": "a.b,c_d"}[name], true })
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, want := range map[string]string{"a-b": "http://A.B:3000", "c-d": "http://C_D:3001"} {
		if s := set.Services[name]; s == nil || s.LoadBalancer.Servers[0].URL != want {
			t.Errorf("%s: got %+v, want %s", name, s, want)
		}
	}
	if got := set.Routers["last"].Origin.Line; got != 10 {
		t.Errorf("got line %d, want the template's 10", got)
	}
}

func TestTemplateRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, data, want string }{
		{"ErrSyntax", "http:\n{{ range }}\n", "2: the template cannot be run: "},
		{"ErrFunction", "http:\n\n{{ getHostByName \"localhost\" }}\n", `3: the template cannot be run: function "getHostByName" not defined`},
		{"ErrFail", "\n{{ fail \"no\" }}\n", "2: the template cannot be run: "},
		{"ErrLongList", "{{ range until 100000000 }}x{{ end }}", "1: the template cannot be run: "},
		{"ErrRepeat", "{{ repeat 1000000000 \"x\" }}", "1: the template cannot be run: "},
		{"ErrLongOutput", "{{ range until 9999 }}{{ repeat 1000000 \"x\" }}{{ end }}", "1: the template cannot be run: "},
		{"ErrEndless", "{{ define \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}", "1: the template cannot be run: "},
		{"ErrUnknownField", "{{ if true }}\nhttp:\n  routers:\n    a:\n      rul: x\n{{ end }}", `5: Traefik has no field "rul"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, problems := dynamic.Read(t.Context(), "a.yml", []byte(test.data), nil)
			if len(problems) != 1 || !strings.HasPrefix(told(problems)[0], test.want) {
				t.Errorf("got %q, want %q", told(problems), test.want)
			}
		})
	}
}

func TestTemplateNumbers(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"until 3": "[0 1 2]", "until -2": "[0 -1]", "untilStep 1 10 4": "[1 5 9]", "untilStep 1 10 0": "[]",
		"seq 3": "1 2 3", "seq 2 0": "2 1 0", "seq 0 3 10": "0 3 6 9", "expandenv \"$A-b\"": "-b",
		"indent 2 \"a\"": "  a",
	} {
		set, problems := dynamic.Read(t.Context(), "a.yml", []byte("http: {routers: {a: {rule: '{{ "+expression+" }}'}}}"), nil)
		if len(problems) > 0 || set.Routers["a"].Rule != want {
			t.Errorf("%s: got %+v %v, want %q", expression, set.Routers["a"], problems, want)
		}
	}
}
