package bus

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"axion/services/bus/nesttest"
)

// streamOf yields values, and errors as such.
func streamOf(values ...any) Stream {
	return func(yield func(any, error) bool) {
		for _, v := range values {
			err, failed := v.(error)
			if failed {
				v = nil
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// parts asks, and gives each part of the answer and what [called] does.
func parts(ctx context.Context, b *Bus, c Call) (all []string, answer string) {
	c.Part = func(data json.RawMessage) { all = append(all, string(data)) }
	answer = called(ctx, b, c)
	return all, answer
}

// TestStream asks Go and NestJS servers, which answer with the same streams.
func TestStream(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	brokers := startCluster(t, nesttest.Topics(nesttest.Probe)...).ListenAddrs()
	client, server := openBus(t, brokers, "client"), openBus(t, brokers, "server")
	server.Subscribe("go.answer", answerByName)
	runBus(t, server)
	app.Serve(t, nesttest.ServerOptions{Brokers: brokers, Group: "model", Role: nesttest.Probe})
	for _, tt := range []struct{ name, topic, in, parts, answer string }{
		{"Go", "go.answer", "stream", `{"n":1} "two" [3]`, `[3]`},
		{"GoOne", "go.answer", "one", `{"n":1}`, `{"n":1}`},
		{"GoEmpty", "go.answer", "nothing", ``, `null`},
		{"GoValue", "go.answer", "string", `"plain \"text\""`, `"plain \"text\""`},
		{"GoNull", "go.answer", "null", ``, `null`},
		{"ErrGo", "go.answer", "broken", `{"n":1} "two"`, `remote: broke off`},
		{"Nest", "nest.answer", "stream", `{"n":1} {"n":2} {"n":3}`, `{"n":3}`},
		{"NestLateEnd", "nest.answer", "late-end", `{"n":1} {"n":2}`, `{"n":2}`},
		{"ErrNest", "nest.answer", "broken-stream", `{"n":1}`, `remote: broke off`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all, answer := parts(testContext(t), client, Call{Topic: tt.topic, Service: "peer", Key: "p1", In: tt.in})
			if got := strings.Join(all, " "); got != tt.parts || answer != tt.answer {
				t.Errorf("got parts %s, then %s; want %s, then %s", got, answer, tt.parts, tt.answer)
			}
		})
	}
}
