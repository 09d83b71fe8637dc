package rule_test

import (
	"testing"

	"axion/gateway/rule"
)

func TestCache(t *testing.T) {
	t.Parallel()
	var c rule.Cache
	parse := func() *rule.Rule {
		t.Helper()
		r, err := c.Parse("Host(`a.localhost`)")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := parse()
	for range 3 {
		if parse() != first {
			t.Fatal("a rule is parsed again")
		}
		c.Forget()
	}
	c.Forget()
	if parse() == first {
		t.Error("a rule that nothing asks for is kept")
	}
	if _, err := c.Parse("Host("); err == nil {
		t.Error("a malformed rule is no error")
	}
}
