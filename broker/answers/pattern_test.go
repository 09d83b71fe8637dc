package answers

import (
	"strings"
	"testing"
)

func TestCheckPattern(t *testing.T) {
	t.Parallel()
	for pattern, says := range map[string]string{
		"shop\\..*": "",
		strings.Repeat("axion.topic|", 500) + "x": "",
		"(":                              "missing closing",
		strings.Repeat("(a|b){500}", 40): "more than 20000 instructions",
	} {
		err := checkPattern(pattern)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%.40s: got %v, want %q", pattern, err, says)
		}
	}
}
