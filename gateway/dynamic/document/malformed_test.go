package document_test

import (
	"errors"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"axion/gateway/dynamic/document"
)

// What the YAML reader refuses has a place and a reason in plain words.
func TestMalformedYAML(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		data string
		line int
		want string
	}{
		"Tab":     {"a:\n\tb: 1\n", 2, "indented by a tab"},
		"Bracket": {"a: [1,\nb: 2\n", 3, "bracket"},
		"Quote":   {"a: \"x\nb: 1\n", 3, "quote"},
		"At":      {"a: @x\n", 1, `begins with "@"`},
		"Latin1":  {"a: 1\nb: \xfc\n", 2, "not UTF-8"},
		"Control": {"a: \x01\n", 1, "U+0001"},
		"Anchor":  {"a: *x\n", 1, "anchor"},
		"Escape":  {"a: \"\\d\"\n", 1, "backslash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n yaml.Node
			err := yaml.Unmarshal([]byte(tt.data), &n)
			if err == nil {
				t.Fatal("it can be read")
			}
			line, message, _ := document.MalformedYAML([]byte(tt.data), err)
			if line != tt.line || !strings.Contains(message, tt.want) {
				t.Errorf("got line %d, %q; want line %d, %q (%v)", line, message, tt.line, tt.want, err)
			}
		})
	}
}

func FuzzMalformedYAML(f *testing.F) {
	f.Add([]byte("a:\n\tb"), "yaml: line 2: did not find expected key")
	f.Add([]byte("\xff\xfe"), "x")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		if _, message, _ := document.MalformedYAML(data, errors.New(text)); strings.Contains(message, "\n") {
			t.Errorf("got %q, want one line", message)
		}
	})
}
