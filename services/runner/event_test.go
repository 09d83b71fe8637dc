package runner

import (
	"testing"

	"axion/web/view"
)

// TestEvents: a service that ends by itself says so, once for each end, and what it is
// started again by is no request.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), `
services:
  flaky:
    x-axion: {command: "sh -c 'exit 3'"}
    restart: "on-failure:1"
  kafka: {image: apache/kafka}
`, nil)
	all := s.await("the end", func(all map[string]view.Service) bool { return all["flaky"].State == view.ServiceFailed })
	events := all["flaky"].Events
	const want = "started, crashed it ended with status 3, restarted, failed it ended with status 3"
	if got := happened(all["flaky"]); got != want || events[3].At.Before(events[0].At) {
		t.Errorf("got %q of %+v, want %q", got, events, want)
	}
	if got := all["kafka"].Events; len(got) != 0 {
		t.Errorf("axion's own part has events: %+v", got)
	}
}
