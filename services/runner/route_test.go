package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/web/view"
)

// reports are what the gateway gets, in order.
type reports struct {
	mu  sync.Mutex
	all []string
}

func (r *reports) add(format string, values ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if line := fmt.Sprintf(format, values...); len(r.all) == 0 || r.all[len(r.all)-1] != line {
		r.all = append(r.all, line)
	}
}

func (r *reports) of(service string) (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.all {
		if rest, ok := strings.CutPrefix(line, service+": "); ok {
			lines = append(lines, rest)
		}
	}
	return slices.Compact(lines)
}

// TestReport: the gateway hears of an instance before its process ends and once it is up,
// and what becomes of those that do not run.
func TestReport(t *testing.T) {
	t.Parallel()
	var sent reports
	s := start(t, t.TempDir(), `
services:
  app:
    x-axion: {command: "python3 -m http.server $$PORT --bind 127.0.0.1", hold: 3s, directory: .}
    environment: {PORT: 3000}
  after:
    x-axion: {command: sleep 1000, port: 3001}
    depends_on: {broken: {condition: service_completed_successfully}}
  broken:
    x-axion: {command: "sh -c 'exit 3'", port: 3002}
  mongo: {image: "mongo:7", ports: ["27019:27017"]}
`, func(o *Options) {
		o.Supervise = func(u Upstream) { sent.add("%s: up %t hold %s %s", u.Service, u.Up, u.Hold, u.Detail) }
		o.Drain = func(ctx context.Context, address string) {
			limit, ok := ctx.Deadline()
			sent.add("app: drain %t", ok && time.Until(limit) <= 1500*time.Millisecond)
		}
	})
	first := s.await("app", func(all map[string]view.Service) bool {
		return all["app"].State == view.ServiceRunning && all["broken"].State == view.ServiceFailed
	})
	if err := s.Restart(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	s.await("app anew", func(all map[string]view.Service) bool {
		return all["app"].State == view.ServiceRunning && all["app"].Instances[0].PID != first["app"].Instances[0].PID
	})
	if err := s.Stop(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	wait, anew, up := "up false hold 3s app is starting", "up false hold 3s app is being started anew", "up true hold 3s "
	want := []string{wait, up, anew, "drain true", anew, wait, up, "up false hold 0s app is stopped"}
	got := sent.of("app")
	if !slices.Equal(got, want) {
		t.Errorf("app: got %q\nwant %q", got, want)
	}
	for service, last := range map[string]string{
		"after":  "up false hold 10s after waits for broken to complete, which has failed",
		"broken": "up false hold 0s broken has failed: it ended with status 3",
		"mongo":  "up true hold 0s mongo: nothing here provides mongo:7",
	} {
		s.await(last, func(map[string]view.Service) bool { lines := sent.of(service); return lines[len(lines)-1] == last })
	}
}
