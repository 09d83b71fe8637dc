package gotemplate_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"text/template"
	"time"

	"axion/gateway/gotemplate"
)

var limits = gotemplate.Limits{Output: 1 << 20, Steps: 100_000, Time: time.Minute}

func run(ctx context.Context, text string, own template.FuncMap, limits gotemplate.Limits) (string, error) {
	t, err := gotemplate.Parse(text, own, "missingkey=zero")
	if err != nil {
		return "", err
	}
	out, err := t.Execute(ctx, data(), limits)
	return string(out), err
}

func data() any {
	return map[string]any{"Name": "a", "List": []string{"x", "y"}, "Map": map[string]string{"k": "v"}, "N": 3}
}

// Within its budget a template does what it does without one.
func TestSame(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "plain", "{{ .Name }}", "{{ .Missing }}", "{{ .Missing.Deep }}", "{{ nil }}", "{{ .Map }} {{ .Map.none }} {{ .List }}",
		"{{ if eq .Name \"a\" }}y{{ else }}n{{ end }}", "{{ if eq .Missing \"a\" }}y{{ else }}n{{ end }}", "{{ .Name | eq \"a\" }}",
		"{{ eq .Name \"b\" \"a\" }} {{ ne .N 3 }} {{ eq (len .List) 2 }} {{ lt .N 4 }} {{ eq .Map .Map }}", "{{ eq 1 1.0 }}",
		"{{ range $i, $x := .List }}{{ if $i }},{{ end }}{{ $x }}{{ else }}none{{ end }}", "{{ range .Missing }}x{{ else }}none{{ end }}",
		"{{ range 3 }}{{ . }}{{ if eq . 1 }}{{ break }}{{ end }}{{ end }}",
		"{{ range .List }}{{ if eq . \"x\" }}{{ continue }}{{ end }}{{ . }}{{ end }}",
		"{{ with .Map }}{{ .k }}{{ else }}none{{ end }}", "{{ with $x := .Name }}{{ $x }}{{ end }}",
		"{{ define \"t\" }}<{{ . }}>{{ end }}{{ template \"t\" .Name }}{{ template \"t\" }}", "{{ block \"b\" .N }}{{ . }}{{ end }}",
		"{{ $x := 1 }}{{ $x = add $x 1 }}{{ $x }}", "{{ print 1 nil \"a\" }} {{ println .N }} {{ printf \"%05d %s %v\" 7 .Name .Map }}",
		"{{ .List | join \",\" | upper | quote }}", "{{ index .List 1 }} {{ slice .Name 0 1 }} {{ len .Map }} {{ not .Name }}",
		"{{ and .Name .N }} {{ or .Missing .Name }} {{ html \"<a>\" }} {{ urlquery \"a b\" }} {{ js \"'\" }}",
		"{{- $d := dict \"a\" 1 -}}{{ $_ := set $d \"b\" 2 }}{{ $d.b }} {{ toJson $d }} {{ get $d \"a\" }} {{ $d | toJson }}",
		"{{ default \"x\" .Missing }} {{ ternary 1 2 true }} {{ splitList \",\" \"a,b\" }} {{ (split \",\" \"a,b\")._1 }}",
		"{{ (semver \"1.2.3\").Major }} {{ semver \"1.2.3\" }} {{ regexReplaceAll \"a(x*)b\" \"-ab-axxb-\" \"${1}W\" }} {{ uniq (list 1 1 2) }}",
		"{{ index .List 7 }}", "{{ fail \"no\" }}", "{{ .Name.Missing }}", "{{ template \"none\" }}", "{{ if }}", "{{ unknown }}",
	} {
		own, err := template.New("file").Option("missingkey=zero").Funcs(gotemplate.Functions()).Parse(text)
		var b strings.Builder
		if err == nil {
			err = own.Execute(&b, data())
		}
		want := b.String()
		if err != nil {
			want = ""
		}
		if got, gotErr := run(t.Context(), text, nil, limits); got != want || (gotErr == nil) != (err == nil) {
			t.Errorf("%s: got %q, %v; want %q, %v", text, got, gotErr, want, err)
		}
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	long := `{{ $x := repeat 1000000 "x" }}` + "\n"
	cyclic := `{{ $a := dict }}{{ $b := dict "a" $a }}` + "\n" + `{{ $_ := set $a "b" $b }}`
	for _, tt := range []struct {
		name, text, want string
		line             int
	}{
		{"range", "\n{{ range 1000000000000 }}{{ end }}", "more than 100000 steps", 2},
		{"range over ranges", "\n\n{{ range until 9999 }}{{ range until 9999 }}x{{ end }}{{ end }}", "more than 100000 steps", 3},
		{"range of else", "{{ range 9223372036854775807 }}{{ range 0 }}{{ else }}{{ end }}{{ end }}", "more than 100000 steps", 1},
		{"recursion", "{{ define \"a\" }}\n{{ template \"a\" }}{{ end }}{{ template \"a\" }}", "deeper than 100 levels", 0},
		{"deep blocks in deep recursion", "{{ define \"a\" }}" + strings.Repeat("{{ if 1 }}",
			400) + "{{ template \"a\" }}" + strings.Repeat("{{ end }}", 400) +
			"{{ end }}{{ template \"a\" }}", "deeper than 100 levels", 0},
		{"exponential recursion", "{{ define \"a\" }}{{ if gt . 0 }}{{ template \"a\" (sub . 1) }}{{ template \"a\" (sub . 1) }}{{ end }}{{ " +
			"end }}{{ template \"a\" 60 }}",
			"more than 100000 steps", 0},
		{"deep blocks", strings.Repeat("{{ if true }}", 5000) + strings.Repeat("{{ end }}", 5000), "deeper than 500 levels", 0},
		{"long source", "{{ 1 }}" + strings.Repeat("x", 1<<20), "longer than 1048576 bytes", 0},
		{"output", "{{ range 1000 }}\n" + strings.Repeat("x", 10_000) + "{{ end }}", "makes more than 1048576 bytes", 1},
		{"doubling", "{{ $x := \"x\" }}{{ range 60 }}\n{{ $x = print $x $x }}{{ end }}", "a value is longer", 2},
		{"doubling lists", "{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}", "a value is longer", 1},
		{"deep lists", "{{ $x := list 1 }}{{ range 200 }}{{ $x = list $x }}{{ end }}", "nests deeper than 100 levels", 1},
		{"map in itself", "{{ $a := dict }}\n{{ $_ := set $a \"a\" $a }}{{ $a }}", "nests deeper than 100 levels", 2},
		{"maps in each other", cyclic, "nests deeper than 100 levels", 2},
		{"map grown behind a list", "{{ $a := dict }}{{ $l := list $a $a $a $a }}{{ $_ := set $a \"x\" (repeat 300000 \"x\") }}\n{{ $l }}",
			"a value is longer", 2},
		{"compare what grew", "{{ $a := dict }}{{ $l := list $a $a $a $a }}{{ $_ := set $a \"x\" (repeat 300000 \"x\") }}\n{{ eq 1 $l }}",
			"a value is longer", 2},
		{"repeat", "{{ repeat 1000000000 \"x\" }}", "a value is longer", 1},
		{"repeat times length", "{{ repeat 9223372036854775807 (repeat 1000 \"x\") }}", "a value is longer", 1},
		{"replace", long + `{{ replace "x" $x $x }}`, "a value is longer", 2},
		{"replace nothing", long + `{{ replace "" (repeat 100 "x") $x }}`, "a value is longer", 2},
		{"regexReplaceAll", long + `{{ regexReplaceAll "x" (repeat 1000 "x") (repeat 10000 "x") }}`, "a value is longer", 2},
		{"regexReplaceAll by references", `{{ regexReplaceAll ".*" (repeat 10000 "x") (repeat 1000 "$0") }}`, "a value is longer", 1},
		{"regex steps", `{{ regexMatch "(x{1000}){1}" (repeat 100000 "x") }}`, "steps", 1},
		{"join", `{{ join (repeat 1000 "x") (until 5000) }}`, "a value is longer", 1},
		{"wrapWith", `{{ wrapWith 1 (repeat 100 "x") (repeat 20000 "x ") }}`, "a value is longer", 1},
		{"indent", `{{ indent 1000 (repeat 100000 "\n") }}`, "a value is longer", 1},
		{"printf width", `{{ printf "%1000000d" 1 }}`, "printf takes a width", 1},
		{"printf width of an argument", `{{ printf "%*d" 100000000 1 }}`, "printf takes a width", 1},
		{"printf the same again", `{{ printf (repeat 10000 "%[1]s") (repeat 10000 "x") }}`, "a value is longer", 1},
		{"list", "{{ until 100000000 }}", "at most 10000 items", 1},
		{"list to the end of numbers", "{{ untilStep 0 9223372036854775807 1 }}", "at most 10000 items", 1},
		{"uniq", "{{ $x := until 9999 }}{{ range 20 }}{{ $_ := uniq $x }}{{ end }}", "steps", 1},
		{"bcrypt", "{{ range 100 }}{{ bcrypt \"x\" }}{{ end }}", "steps", 1},
		{"random", "{{ randAlpha 1000000000 }}", "at most 10000", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := run(t.Context(), tt.text, nil, limits)
			var e *gotemplate.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) || tt.line > 0 && e.Line != tt.line {
				t.Fatalf("error: got %+v (%v), want %q in line %d", e, err, tt.want, tt.line)
			}
			if _, ok := errors.AsType[*gotemplate.BudgetError](err); !ok {
				t.Errorf("error: %T is no budget's", err)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	endless := gotemplate.Limits{Output: 1, Steps: math.MaxInt, Time: time.Hour}
	_, err := run(ctx, "{{ stop }}\n{{ range 9223372036854775807 }}{{ end }}",
		template.FuncMap{"stop": func() string { cancel(); return "" }}, endless)
	if err == nil || !strings.Contains(err.Error(), "broken off") {
		t.Errorf("error: got %v, want one of a template that was broken off", err)
	}
	endless.Time = time.Millisecond
	_, err = run(t.Context(), "{{ range 9223372036854775807 }}{{ end }}", nil, endless)
	if err == nil || !strings.Contains(err.Error(), "longer than 1ms") {
		t.Errorf("error: got %v, want one of a template that takes too long", err)
	}
}

// A second execution has a budget of its own, also at the same time.
func TestAgain(t *testing.T) {
	t.Parallel()
	parsed, err := gotemplate.Parse("{{ range .N }}{{ uniq (until 500) | len }}{{ end }}", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 4 {
		go func() {
			for range 2 {
				if out, err := parsed.Execute(t.Context(), data(), limits); err != nil || string(out) != "500500500" {
					done <- errors.Join(err, errors.New(string(out)))
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func FuzzExecute(f *testing.F) {
	for _, seed := range []string{
		"{{ range 9999999 }}{{ end }}", "{{ $x := list . }}{{ range 9 }}{{ $x = list $x $x }}{{ end }}{{ toJson $x }}",
		"{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" }}",
		"{{ replace \"\" .Name (repeat 99 \"x\") }}", "{{ printf \"%[1]*d\" 9 }}",
		"{{ $d := dict \"a\" . }}{{ $_ := merge $d (dict \"b\" $d) }}{{ eq $d $d }}",
	} {
		f.Add(seed)
	}
	small := gotemplate.Limits{Output: 1 << 16, Steps: 20_000, Time: time.Second}
	f.Fuzz(func(t *testing.T, text string) {
		out, err := run(t.Context(), text, nil, small)
		if err == nil && len(out) > small.Output {
			t.Errorf("output of %d bytes", len(out))
		}
	})
}
