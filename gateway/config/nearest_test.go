package config_test

import (
	"testing"

	"axion/gateway/config"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	candidates := []string{"labels", "ports", "expose"}
	for word, want := range map[string]string{
		"labels": "labels", "lables": "labels", "Labels": "labels", "label": "labels", "port": "ports", "exposes": "expose",
		"links": "", "image": "", "": "", "extends": "",
	} {
		if got := config.Nearest(word, candidates); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	if got := config.Nearest("ab", []string{"ba", "b"}); got != "ba" && got != "b" {
		t.Errorf("got %q, want one that is a single edit away", got)
	}
}
