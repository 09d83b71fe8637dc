package bus

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"axion/services/bus/nesttest"
	"axion/services/contract"
)

// answered is what a NestJS client's observable did, in words.
func answered(a nesttest.Answer) string {
	words := make([]string, 0, len(a.Values)+1)
	for _, v := range a.Values {
		words = append(words, string(v))
	}
	if a.Error != nil {
		words = append(words, "error "+string(a.Error))
	}
	return strings.Join(words, " ")
}

// TestNestAsksBuiltins has a NestJS client ask every builtin on its pattern
// topics, and see what it would of a NestJS server.
func TestNestAsksBuiltins(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	var topics []string
	for service, types := range contract.Requests() {
		for _, typ := range types {
			topics = append(topics, contract.PatternTopic(service, typ))
		}
	}
	brokers := startCluster(t, nesttest.ReplyTopics(topics...)...).ListenAddrs()
	want := make(map[string]string)
	for service, types := range contract.Requests() {
		b := openBus(t, brokers, service)
		for _, typ := range types {
			b.Handle(typ, func(_ context.Context, m *Message) (any, error) {
				return map[string]any{"type": m.Type, "got": m.Data(), "key": m.Key}, nil
			})
			want[contract.PatternTopic(service, typ)] = `{"got":{"projectId":"p1"},"key":"p1","type":"` + typ + `"}`
		}
		runBus(t, b)
	}
	client := app.Connect(t, brokers, "model", topics...)
	for _, topic := range topics {
		t.Run(topic, func(t *testing.T) {
			got := answered(client.Send(t, topic, nesttest.Message{Key: "p1", Value: map[string]string{"projectId": "p1"}}))
			if got != want[topic] {
				t.Errorf("got %s, want %s", got, want[topic])
			}
		})
	}
}

// TestNestAsks sends a Go service every kind of value that a NestJS client can,
// and back every kind of answer.
func TestNestAsks(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	topics := []string{"server.seen", "server.answer", "server.unheard"}
	brokers := startCluster(t, append(topics, nesttest.ReplyTopics(topics...)...)...).ListenAddrs()
	b := openBus(t, brokers, "server")
	b.Subscribe("server.seen", func(_ context.Context, m *Message) (any, error) {
		return map[string]any{"data": m.Data(), "key": m.Key, "null": m.Value == nil}, nil
	})
	b.Subscribe("server.answer", answerByName)
	runBus(t, b)
	client := app.Connect(t, brokers, "model", topics...)
	for _, tt := range []struct {
		name, topic string
		in          any
		want        string
	}{
		{"InObject", "server.seen", map[string]any{"a": []int{1}}, `{"data":{"a":[1]},"key":"","null":false}`},
		{"InArray", "server.seen", []string{"x"}, `{"data":["x"],"key":"","null":false}`},
		{"InString", "server.seen", `say "hé"`, `{"data":"say \"hé\"","key":"","null":false}`},
		{"InEmpty", "server.seen", "", `{"data":"","key":"","null":false}`},
		{"InNumber", "server.seen", 42, `{"data":"42","key":"","null":false}`},
		{"InBoolean", "server.seen", true, `{"data":"true","key":"","null":false}`},
		{"InBytes", "server.seen", nesttest.Bytes{Base64: []byte{0, 1, 255}}, `{"data":"AAH/","key":"","null":false}`},
		{"InKeyed", "server.seen", nesttest.Message{Key: "p1", Value: []int{1}}, `{"data":[1],"key":"p1","null":false}`},
		{"InObjectKey", "server.seen", nesttest.Message{Key: map[string]int{"id": 1}, Value: "v"},
			`{"data":"v","key":"{\"id\":1}","null":false}`},
		{"InKeyOnly", "server.seen", map[string]string{"key": "p1", "name": "dropped"}, `{"data":null,"key":"p1","null":true}`},
		{"ErrNullPayload", "server.seen", nil, `error "The invalid data or message pattern (undefined/null)"`},
		{"OutNull", "server.answer", "null", `null`},
		{"OutString", "server.answer", "string", `"plain \"text\""`},
		{"OutEmpty", "server.answer", "empty", `""`},
		{"OutNumber", "server.answer", "number", `"42"`},
		{"OutBytes", "server.answer", "bytes", `{"$bytes":"AAH/"}`},
		{"OutArray", "server.answer", "array", `[1,"b",null]`},
		{"OutKeyed", "server.answer", "keyed", `{"key":"k","value":{"a":1}}`},
		{"OutStream", "server.answer", "stream", `{"n":1} "two" [3]`},
		{"OutStreamOfOne", "server.answer", "one", `{"n":1}`},
		{"OutStreamEmpty", "server.answer", "nothing", `null`},
		{"ErrStream", "server.answer", "broken", `{"n":1} "two" error {"status":"error","message":"broke off"}`},
		{"ErrStreamPanics", "server.answer", "panics", `error {"status":"error","message":"Internal server error"}`},
		{"ErrPermanent", "server.answer", "permanent", `error {"status":"error","message":"no such thing"}`},
		{"ErrInternal", "server.answer", "secret", `error {"status":"error","message":"Internal server error"}`},
		{"ErrPanic", "server.answer", "panic", `error {"status":"error","message":"Internal server error"}`},
		{"ErrTopic", "server.unasked", "x",
			`error "The client consumer did not subscribe to the corresponding reply topic (server.unasked.reply)."`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := answered(client.Send(t, tt.topic, tt.in)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// answerByName is the Go twin of the NestJS probe's nest.answer.
func answerByName(_ context.Context, m *Message) (any, error) {
	var name string
	if err := m.Decode(&name); err != nil {
		return nil, err
	}
	switch name {
	case "null":
		return nil, nil
	case "string":
		return `plain "text"`, nil
	case "empty":
		return "", nil
	case "number":
		return 42, nil
	case "bytes":
		return []byte{0, 1, 255}, nil
	case "array":
		return []any{1, "b", nil}, nil
	case "keyed":
		return map[string]any{"key": "k", "value": map[string]int{"a": 1}}, nil
	case "stream":
		return streamOf(map[string]int{"n": 1}, "two", []int{3}), nil
	case "one":
		return streamOf(map[string]int{"n": 1}), nil
	case "nothing":
		return streamOf(), nil
	case "broken":
		return streamOf(map[string]int{"n": 1}, "two", Permanent(errors.New("broke off"))), nil
	case "panics":
		return Stream(func(func(any, error) bool) { panic("boom") }), nil
	case "permanent":
		return nil, Permanent(errors.New("no such thing"))
	case "panic":
		panic("boom")
	}
	return nil, errors.New("password is x")
}

// TestNestEvents passes events both ways.
func TestNestEvents(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	brokers := startCluster(t, nesttest.Topics(nesttest.Probe)...).ListenAddrs()
	b := openBus(t, brokers, "server")
	got := make(chan *Message, 1)
	b.Subscribe("server.event", func(_ context.Context, m *Message) (any, error) { got <- m; return "not sent", nil })
	runBus(t, b)
	t.Run("FromNest", func(t *testing.T) {
		t.Parallel()
		client := app.Connect(t, brokers, "model")
		client.Emit(t, "server.event", nesttest.Message{
			Key: "p1", Value: map[string]int{"n": 1}, Headers: map[string]string{"ce_type": "THING", "ce_id": "id-1"},
		})
		m := receive(t, got, "event")
		if m.IsRequest() || m.ID != "id-1" || m.Type != "THING" || m.Key != "p1" || string(m.Data()) != `{"n":1}` {
			t.Errorf("got %+v", m)
		}
	})
	t.Run("ToNest", func(t *testing.T) {
		t.Parallel()
		server := app.Serve(t, nesttest.ServerOptions{Brokers: brokers, Group: "model", Role: nesttest.Probe})
		err := b.Publish(testContext(t), Event{ID: "id-2", Type: "THING", Topic: "nest.event", Key: "p2", Data: map[string]int{"n": 2}})
		if err != nil {
			t.Fatal(err)
		}
		m := server.Next(t)
		if m.Topic != "nest.event" || m.Key != "p2" || string(m.Data) != `{"n":2}` {
			t.Errorf("got %+v", m)
		}
		for name, want := range map[string]string{
			"ce_id": `"id-2"`, "ce_type": `"THING"`, "ce_source": `"server"`, "content-type": `"application/json"`,
		} {
			if got := m.Headers[name]; !json.Valid(got) || string(got) != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
	})
}
