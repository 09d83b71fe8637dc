package runner

import (
	"strings"
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
    restart: "on-failure:3"
  kafka: {image: apache/kafka}
`, nil)
	all := s.await("the end", func(all map[string]view.Service) bool { return all["flaky"].State == view.ServiceFailed })
	events := all["flaky"].Events
	const want = "started, crashed it ended with status 3, restarted, failed it ended with status 3"
	if got := happened(all["flaky"]); got != want || events[1].Times != 3 || events[3].At.Before(events[0].At) {
		t.Errorf("got %q of %+v, want %q", got, events, want)
	}
	if got := all["kafka"].Events; len(got) != 0 {
		t.Errorf("axion's own part has events: %+v", got)
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	for value, want := range map[[2]string]string{
		{"DATABASE_URL", "postgres://tea:leaves@db:5432/orders"}: "postgres://tea:••••@db:5432/orders",
		{"REDIS_URL", "redis://:steep@cache:6379/0"}:             "redis://:••••@cache:6379/0",
		{"URLS", "amqp://a:b@c:1,amqp://d:e@f:2"}:                "amqp://a:••••@c:1,amqp://d:••••@f:2",
		{"KAFKA_BROKERS", "kafka:9092"}:                          "kafka:9092",
		{"API_TOKEN", "http://kafka:9092"}:                       "••••",
		{"DSN", "host=db password=leaves"}:                       "••••",
	} {
		if got := masked(value[0], value[1]); got != want {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
}

// happened lists a service's events.
func happened(s view.Service) string {
	var all []string
	for _, e := range s.Events {
		all = append(all, strings.TrimSpace(string(e.Kind)+" "+e.Detail))
	}
	return strings.Join(all, ", ")
}
