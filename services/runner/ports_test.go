package runner

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"axion/web/view"
)

// freePorts are ports of this machine that were free.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var all []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		all = append(all, l.Addr().(*net.TCPAddr).Port)
	}
	return all
}

// TestPublished: two services that want one port each get their own, the port that the
// file publishes leads to its service until that ends, and what cannot be opened is said.
func TestPublished(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	taken := held.Addr().(*net.TCPAddr).Port
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	stranger := other.Addr().(*net.TCPAddr).Port
	p := freePorts(t, 4)
	want, public, own, debug := p[0], p[1], p[2], p[3]
	s := start(t, t.TempDir(), fmt.Sprintf(`services:
  a:
    x-axion: {command: PROGRAM child listen}
    environment: {PORT: %[1]d, OTHER: "http://b:%[1]d"}
  b:
    x-axion: {command: PROGRAM child listen}
    environment: {PORT: %[1]d}
    ports:
      - "%[1]d:%[1]d"
      - "%[2]d:%[1]d"
      - "%[5]d:%[1]d"
      - "127.0.0.1:%[5]d-%[6]d:%[1]d"
      - "%[3]d:%[1]d/udp"
      - "%[4]d:%[4]d"
  c:
    x-axion: {command: PROGRAM child listen}
    environment: {PORT: %[7]d}
`, want, public, own, debug, taken, taken+50, stranger), func(o *Options) { o.FreePorts = false })
	all := s.await("running", func(all map[string]view.Service) bool {
		return all["a"].State == view.ServiceRunning && all["b"].State == view.ServiceRunning && all["c"].State == view.ServiceRunning
	})
	b := all["b"].Ports[0]
	if b.Address != local(want) || all["a"].Ports[0].Address == b.Address || all["c"].Ports[0].Address == local(stranger) {
		t.Errorf("the ports are %+v, %+v and %+v", all["a"].Ports, b, all["c"].Ports)
	}
	if !slices.Contains(b.Published, local(public)) || len(all["b"].Ports) != 1 {
		t.Errorf("it is published at %+v", all["b"].Ports)
	}
	for _, address := range append([]string{b.Address}, b.Published...) {
		if got := get(t, "http://"+address); got != "b" {
			t.Errorf("%s leads to %q", address, got)
		}
	}
	for service, text := range map[string]string{
		"a": fmt.Sprintf("port %d is that of service b: it listens on ", want),
		"b": fmt.Sprintf("compose.yaml:8: ports: port %d is taken by axion itself", taken),
		"c": fmt.Sprintf("port %d is taken by axion itself: it listens on ", stranger),
	} {
		if notes := strings.Join(all[service].Notes, "\n"); !strings.Contains(notes, text) {
			t.Errorf("%s: the notes are %q, want %q", service, notes, text)
		}
	}
	if notes := strings.Join(all["b"].Notes, "\n"); !strings.Contains(notes, "udp is not opened") {
		t.Errorf("the notes are %q", notes)
	}
	if len(b.Published) < 2 {
		t.Errorf("no port of the range is open: %q", b.Published)
	}
	if err := s.Stop(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", local(public)); err == nil {
		_ = c.Close()
		t.Error("its published port outlives it")
	}
	if err := s.Start(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	s.await("b again", func(all map[string]view.Service) bool { return all["b"].State == view.ServiceRunning })
	if got := get(t, "http://"+local(public)); got != "b" {
		t.Errorf("after a second start it leads to %q", got)
	}
}

// TestIgnoresPort: a process that wants a port which is not its own is named, whether
// another has that, or nobody.
func TestIgnoresPort(t *testing.T) {
	t.Parallel()
	p := freePorts(t, 3)
	s := start(t, t.TempDir(), fmt.Sprintf(`services:
  a:
    x-axion: {command: PROGRAM child listen}
    environment: {PORT: %[1]d}
  b:
    x-axion: {command: "PROGRAM child listen %[1]d"}
    environment: {PORT: %[1]d}
    depends_on: [a]
  c:
    x-axion: {command: "PROGRAM child listen %[2]d"}
    environment: {PORT: %[1]d}
  d:
    x-axion: {command: "PROGRAM child listen %[3]d"}
    environment: {PORT: %[1]d}
    healthcheck: {test: [CMD, none/curl, "http://localhost:%[1]d/"], interval: 20ms, retries: 2}
`, p[0], p[1], p[2]), func(o *Options) { o.FreePorts = false })
	all := s.await("what is wrong", func(all map[string]view.Service) bool {
		return all["b"].State == view.ServiceFailed && strings.Contains(all["c"].Detail, "listens on") &&
			all["d"].State == view.ServiceUnhealthy && strings.Contains(all["d"].Detail, "listens on")
	})
	for service, text := range map[string]string{
		"b": fmt.Sprintf("b wants to listen on %d (port %d is that of service a), and not on ", p[0], p[0]),
		"c": fmt.Sprintf("c listens on %d, and not on ", p[1]),
		"d": fmt.Sprintf("d listens on %d, and not on ", p[2]),
	} {
		if got := all[service]; !strings.Contains(got.Detail, text) || !strings.Contains(got.Hint, "read PORT") {
			t.Errorf("got %q (%s), want %q", got.Detail, got.Hint, text)
		}
	}
	if lines := all["b"].Instances[0].LastLines; len(lines) == 0 || !strings.Contains(lines[len(lines)-1], "in use") {
		t.Errorf("the last lines of b are %q", lines)
	}
}

// TestFixedPort: a port that x-axion names is the service's where all others get free ones,
// unless somebody has it.
func TestFixedPort(t *testing.T) {
	t.Parallel()
	want := freePorts(t, 1)[0]
	p := newPorts(true)
	for i, test := range []struct {
		fixed, same bool
	}{{false, false}, {true, true}, {true, false}} {
		got, err := p.assign(fmt.Sprint(i), want, test.fixed)
		if err != nil || (got == want) != test.same {
			t.Errorf("%d: port %d for %d, %v", i, got, want, err)
		}
	}
}
