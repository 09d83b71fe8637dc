package dynamic_test

import (
	"fmt"
	"strings"
	"testing"

	"axion/gateway/dynamic"
)

// A file with more mistakes than are reported says so, and where.
func TestManyMistakes(t *testing.T) {
	t.Parallel()
	text := "http:\n  routers:\n"
	for i := range 30 {
		text += fmt.Sprintf("    r%d: {rul: x}\n", i)
	}
	for range 2 {
		_, problems := dynamic.Read(t.Context(), "a.yml", []byte(text), nil)
		if len(problems) != 21 || !strings.Contains(problems[20].Message, "more mistakes") || problems[20].Line != 23 {
			t.Errorf("got %d problems, the last %+v; want 21, the last about line 23 and after", len(problems), problems[len(problems)-1])
		}
	}
}

// What nests too deeply is refused with its line, in every form and before it costs
// much.
func TestDeepFiles(t *testing.T) {
	t.Parallel()
	deep := func(open, end string, n int) string { return strings.Repeat(open, n) + strings.Repeat(end, n) }
	for name, text := range map[string]string{
		"flow.yml":     "http:\n  a: " + deep("[", "]", 200_000),
		"aliases.yml":  "http: &a\n  routers: {a: {rule: x}}\n  services: *a\n",
		"array.toml":   "[http]\na = " + deep("[", "]", 9000),
		"dots.toml":    "[http]\n" + strings.Repeat("a.", 500_000) + "a = 1\n",
		"table.toml":   "\n[http." + strings.Repeat("a.", 500_000) + "a]\n",
		"inline.toml":  "[http]\nx = {y = {" + strings.Repeat("a.", 500_000) + "a = 1}}\n",
		"objects.json": "{\"http\":\n" + deep(`{"a":`, "}", 5000) + "}",
		"array.json":   "{\"http\":\n" + deep("[", "]", 500_000) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, problems := dynamic.Read(t.Context(), name, []byte(text), nil)
			if len(problems) != 1 || len(set.Routers) > 0 || problems[0].File != name {
				t.Fatalf("got %v, want one problem", problems)
			}
			if m := problems[0].Message; !strings.Contains(m, "nested") && !strings.Contains(m, "depth") && !strings.Contains(m,
				"ends too early") || len(m) > 200 {
				t.Errorf("message: %.300s", m)
			}
		})
	}
}
