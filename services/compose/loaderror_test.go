package compose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLoadError: what compose's loader refuses is said with file, line, service and remedy.
func TestLoadError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want, hint string }{
		"ErrKey": {"services:\n  mailer:\n    image: x\n    enviroment: {A: 1}\n",
			`FILE:4: service "mailer": compose has no key "enviroment"`, "begin a key of your own with x-"},
		"ErrTopKey": {"servces: {a: {image: x}}", `FILE: compose has no key "servces"`, "x-"},
		"ErrCondition": {"services:\n  a:\n    image: x\n    depends_on:\n      b: {condition: service_helthy}\n  b: {image: y}\n",
			`FILE:4: service "a": depends_on.b.condition value must be one of`, "one of these"},
		"ErrVariable": {"services:\n  a:\n    image: \"${MUST:?not set}\"\n",
			`FILE:3: service "a": image: required variable MUST is missing a value: not set`, ".env"},
		"ErrType":  {"services:\n  a:\n    image: x\n    scale: many\n", `FILE:4: service "a": scale: failed to cast`, ""},
		"ErrValue": {"services: {a: {image: x, ports: [\"abc:def\"]}}", "FILE: invalid containerPort: def", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "compose.yaml")
			if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Read(t.Context(), Options{Files: []string{file}})
			if want := strings.ReplaceAll(test.want, "FILE", file); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Fatalf("got %v, want %s", err, want)
			}
			if hint := err.(interface{ Hint() string }).Hint(); !strings.Contains(hint, test.hint) {
				t.Errorf("the hint is %q", hint)
			}
		})
	}
}
