package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway/command"
)

// found is what the check says of routers with these rules and priorities, a line each.
func found(t *testing.T, routers [][2]string) string {
	t.Helper()
	var labels []string
	for i, r := range routers {
		labels = append(labels, route(fmt.Sprintf("r%04d", i), r[0], "http://127.0.0.1:1", "priority="+r[1])...)
	}
	file := filepath.Join(t.TempDir(), "compose.yaml")
	if err := os.WriteFile(file, []byte(compose(labels...)), 0o600); err != nil {
		t.Fatal(err)
	}
	problems, err := command.Check(nil, []string{file})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintln(&b, p.Severity, p.Error())
	}
	return b.String()
}

// TestTies names ties however many routers there are, and says where there are more of
// them than it names or compares.
func TestTies(t *testing.T) {
	t.Parallel()
	numbered := func(n int, format string) (list [][2]string) {
		for i := range n {
			list = append(list, [2]string{fmt.Sprintf(format, i), "7"})
		}
		return list
	}
	const paths, headers = "Host(`a.localhost`) && PathPrefix(`/p%04d`)", "Host(`a.localhost`) && Header(`X-A`, `%04d`)"
	apart := numbered(60, paths)
	if got := found(t, apart); strings.Contains(got, "same priority") {
		t.Errorf("apart: got %s", got)
	}
	last := append(apart, [2]string{"Host(`a.localhost`) && PathPrefix(`/p0000/x`)", "7"})
	if got := found(t, last); strings.Count(got, `routers "r0000@docker" and "r0060@docker" have the same priority`) != 2 {
		t.Errorf("far from each other: got %s", got)
	}
	if got := found(t, numbered(40, headers)); !strings.Contains(got, "7 more routers have the same priority 7 as \"r0000@docker\"") {
		t.Errorf("more than are named: got %.2000s", got)
	}
	if got := found(t, numbered(800, paths)); strings.Count(got, "not all of them are compared") != 1 {
		t.Errorf("more than are compared: got %.2000s", got)
	}
}

// TestShadows finds the router that takes everything however many are between, and says
// where it does not look at all of them.
func TestShadows(t *testing.T) {
	t.Parallel()
	list := func(between int) (list [][2]string) {
		for i := range between {
			list = append(list, [2]string{fmt.Sprintf("Host(`a.localhost`) && PathPrefix(`/p%04d`)", i), fmt.Sprint(2000 - i)})
		}
		return append(list, [2]string{"Host(`a.localhost`) && PathPrefix(`/x`)", "20"},
			[2]string{"Host(`a.localhost`) && PathPrefix(`/x/y`)", "10"})
	}
	got := found(t, list(100))
	if !strings.Contains(got, `the router gets no request: "r0100@docker"`) || strings.Contains(got, "not all of them") {
		t.Errorf("100 between: got %s", got)
	}
	got = found(t, list(300))
	if strings.Count(got, "not all of them are looked at") != 1 {
		t.Errorf("300 between: got %s", got)
	}
}
