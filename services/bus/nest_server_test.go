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

// called is what came of a Go service's request, in words.
func called(ctx context.Context, b *Bus, c Call) string {
	var out json.RawMessage
	c.Out = &out
	err := b.Request(ctx, c)
	var remote *RemoteError
	switch {
	case errors.As(err, &remote):
		return "remote: " + remote.Message
	case err != nil:
		return err.Error()
	case out == nil:
		return "null"
	}
	return string(out)
}

// TestNestAnswers asks a NestJS server for all that it can answer with.
func TestNestAnswers(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	brokers := startCluster(t, nesttest.Topics(nesttest.Probe)...).ListenAddrs()
	b := openBus(t, brokers, "client")
	app.Serve(t, nesttest.ServerOptions{Brokers: brokers, Group: "model", Role: nesttest.Probe})
	const headers = `"headers":["expiresAt","kafka_correlationId","kafka_replyPartition","kafka_replyTopic","traceparent"]`
	for _, tt := range []struct {
		name, topic string
		in          any
		want        string
	}{
		{"InObject", "nest.received", question{"q"},
			`{"type":"object","data":{"text":"q"},"messageKey":"p1","messageValue":{"text":"q"},` + headers + `}`},
		{"InString", "nest.received", "42", `{"type":"string","data":"42","messageKey":"p1","messageValue":"42",` + headers + `}`},
		{"InNumber", "nest.received", 42, `{"type":"string","data":"42","messageKey":"p1","messageValue":"42",` + headers + `}`},
		{"InNull", "nest.received", nil, `{"type":"message","data":null,"messageKey":"p1","messageValue":null,` + headers + `}`},
		{"Bytes", "nest.echo", []byte{0, 1, 255}, `"AAH/"`},
		{"Null", "nest.answer", "null", `null`},
		{"Undefined", "nest.answer", "undefined", `null`},
		{"String", "nest.answer", "string", `"plain \"text\""`},
		{"Empty", "nest.answer", "empty", `""`},
		{"Number", "nest.answer", "number", `"42"`},
		{"Boolean", "nest.answer", "boolean", `"false"`},
		{"Array", "nest.answer", "array", `[1,"b",null]`},
		{"Keyed", "nest.answer", "keyed", `{"a":1}`},
		{"OnlyKey", "nest.answer", "only-key", `null`},
		{"Stream", "nest.answer", "stream", `{"n":3}`},
		{"LateEnd", "nest.answer", "late-end", `{"n":2}`},
		{"Retriable", "nest.answer", "retriable", `"after all"`},
		{"ErrBrokenStream", "nest.answer", "broken-stream", `remote: broke off`},
		{"ErrText", "nest.answer", "rpc-text", `remote: no such thing`},
		{"ErrObject", "nest.answer", "rpc-object", `remote: seven`},
		{"ErrBare", "nest.answer", "rpc-bare", `remote: {"code":7}`},
		{"ErrInternal", "nest.answer", "error", `remote: Internal server error`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := called(testContext(t), b, Call{Topic: tt.topic, Service: "model", Key: "p1", In: tt.in})
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestNestCodegen reaches a NestJS codegen on the service's own topic, as the
// builtins do, and by its patterns, as NestJS callers do.
func TestNestCodegen(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	brokers := startCluster(t, nesttest.Topics(nesttest.Codegen)...).ListenAddrs()
	b := openBus(t, brokers, contract.Deployment)
	app.Serve(t, nesttest.ServerOptions{Brokers: brokers, Group: contract.Codegen, Role: nesttest.Codegen})
	in := contract.GenerateCodeRequest{ProjectID: "p1", Template: "t", Name: "mine"}
	for _, tt := range []struct {
		name, typ string
		in        any
		want      string
	}{
		{"OK", contract.GenerateCode, in, `<h1>mine</h1> made by NestJS\n`},
		{"OKList", contract.ListBlueprints, struct{}{}, `"name":"nest-site"`},
		{"OKGet", contract.GetBlueprint, contract.BlueprintRequest{Name: "nest-site"}, `"files":["index.html"]`},
		{"ErrNoProject", contract.GenerateCode, struct{}{}, `remote: projectId is required`},
		{"ErrNoBlueprint", contract.GetBlueprint, contract.BlueprintRequest{Name: "x"}, `remote: no blueprint x`},
	} {
		for _, c := range []Call{
			{Topic: contract.Topic(contract.Codegen), Type: tt.typ},
			{Topic: contract.PatternTopic(contract.Codegen, tt.typ)},
		} {
			t.Run(tt.name+"/"+c.Topic, func(t *testing.T) {
				c.Service, c.Key, c.In = contract.Codegen, "p1", tt.in
				if got := called(testContext(t), b, c); !strings.Contains(got, tt.want) {
					t.Errorf("got %s, want %s", got, tt.want)
				}
			})
		}
	}
	t.Run("ErrNoHandler", func(t *testing.T) {
		got := called(testContext(t), b, Call{Topic: contract.Topic(contract.Codegen), Type: "OTHER"})
		if want := "remote: codegen-service does not answer OTHER"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
