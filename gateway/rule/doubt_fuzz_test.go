package rule_test

import (
	"strings"
	"testing"

	"axion/gateway/rule"
)

// Whatever a rule is, doubts are one line each, and do not come from rules that cannot
// be read.
func FuzzDoubts(f *testing.F) {
	for _, d := range doubts {
		f.Add(d.rule)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := rule.Parse(text)
		if err != nil {
			return
		}
		for _, d := range r.Doubts() {
			if d.Message == "" || strings.Contains(d.String(), "\n") && !strings.Contains(text, "\n") || d.Line < 1 || d.Column < 1 {
				t.Errorf("%q: got %+v", text, d)
			}
		}
	})
}
