package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/graph/readmodel"
	"axion/services/host/hosttest"
)

// peer is another service on the bus.
func (r *rig) peer() *bus.Bus {
	r.t.Helper()
	b, err := bus.Open(r.t.Context(), bus.Options{Service: contract.Deployment, Brokers: r.cluster.ListenAddrs()})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(b.Close)
	return b
}

// ask sends a request to graph; the error is the service's text.
func ask[T any](t *testing.T, b *bus.Bus, typ, in string) (out T, refused string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hosttest.Deadline)
	defer cancel()
	err := b.Request(ctx, bus.Call{
		Topic: graphTopic, Service: contract.Graph, Type: typ, In: json.RawMessage(in), Out: &out,
	})
	var remote *bus.RemoteError
	if errors.As(err, &remote) {
		return out, remote.Message
	}
	if err != nil {
		t.Fatal(err)
	}
	return out, ""
}

func TestRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.peer()
	p, refused := ask[contract.Project](t, b, contract.CreateProject,
		`{"userId":"alice","name":" Tea ","config":{"n":12345678901234567890},"template":null,"more":"ignored"}`)
	if refused != "" || p.Name != "Tea" || p.Slug != "tea" || p.Template != contract.DefaultTemplate || p.UserID != "alice" ||
		string(p.Config) != `{"n":12345678901234567890}` {
		t.Fatalf("got %+v, %q", p, refused)
	}
	of := func(more string) string { return fmt.Sprintf(`{"userId":"alice","projectId":%q%s}`, p.ID, more) }
	same := func(t *testing.T, got contract.Project) {
		t.Helper()
		if http := strings.TrimSpace(r.do("alice", "GET", projects+"/"+p.ID, "").Body); string(mustJSON(t, got)) != http {
			t.Errorf("got  %s\nHTTP %s", mustJSON(t, got), http)
		}
	}
	t.Run("OK/get", func(t *testing.T) {
		got, refused := ask[contract.Project](t, b, contract.GetProject, of(""))
		if same(t, got); refused != "" {
			t.Error(refused)
		}
	})
	t.Run("OK/update", func(t *testing.T) {
		got, refused := ask[contract.Project](t, b, contract.UpdateProject, of(`,"name":"Coffee","config":null`))
		if same(t, got); refused != "" || got.Name != "Coffee" || string(got.Config) != string(p.Config) {
			t.Errorf("got %+v, %q", got, refused)
		}
	})
	t.Run("OK/graph", func(t *testing.T) {
		q, refused := ask[contract.Project](t, b, contract.CreateProject,
			`{"userId":"alice","name":"Drawn","graph":{"nodes":[{"id":"n","type":"service"}],"edges":[]}}`)
		if got := r.do("alice", "GET", projects+"/"+q.ID+"/graph", ""); refused != "" || !strings.Contains(got.Body, `"id":"n"`) {
			t.Errorf("got %+v %q, and the graph %+v", q, refused, got)
		}
	})
	t.Run("OK/list", func(t *testing.T) { testAskList(t, r, b) })
	t.Run("OK/delete", func(t *testing.T) {
		q := r.create("alice", "Gone")
		if _, refused := ask[any](t, b, contract.DeleteProject, fmt.Sprintf(`{"userId":"alice","projectId":%q}`, q.ID)); refused != "" {
			t.Error(refused)
		}
		hosttest.WantProblem(t, r.do("alice", "GET", projects+"/"+q.ID, ""), 404)
	})
	t.Run("Err", func(t *testing.T) {
		for _, tt := range []struct{ typ, in, want string }{
			{contract.CreateProject, `{"name":"x"}`, "userId is missing"},
			{contract.CreateProject, `{"userId":5}`, "decode CREATE_PROJECT: "},
			{contract.CreateProject, `[1]`, "decode CREATE_PROJECT: "},
			{contract.CreateProject, `{"userId":"alice"}`, "validation failed: "},
			{contract.CreateProject, `{"userId":"alice","name":" "}`, "validation failed: /name must not be blank"},
			{contract.CreateProject, `{"userId":"alice","name":5}`, "validation failed: /name expected string"},
			{contract.CreateProject, `{"userId":"alice","name":"x","template":"../etc"}`,
				"validation failed: /template expected string to match pattern"},
			{contract.CreateProject, `{"userId":"alice","name":"x","config":[]}`, "validation failed: /config expected object"},
			{contract.CreateProject, `{"userId":"alice","name":"x","graph":{"nodes":[{"id":"n","type":"zzz"}],"edges":[]}}`,
				"validation failed: /graph/nodes/0/type"},
			{contract.GetProject, `{"userId":"bob","projectId":"` + p.ID + `"}`, "there is no such project of yours"},
			{contract.GetProject, `{"userId":"bob"}`, "there is no such project of yours"},
			{contract.UpdateProject, of(`,"name":"\u0007"`), "validation failed: /name must not hold control characters"},
			{contract.UpdateProject, `{"userId":"bob","projectId":"` + p.ID + `","name":"His"}`, "there is no such project of yours"},
			{contract.DeleteProject, `{"userId":"bob","projectId":"` + p.ID + `"}`, "there is no such project of yours"},
			{contract.ListProjects, `{"userId":"alice","limit":201}`, "limit must be from 1 to 200"},
		} {
			if _, refused := ask[any](t, b, tt.typ, tt.in); !strings.HasPrefix(refused, tt.want) {
				t.Errorf("%s %s: got %q, want %q", tt.typ, tt.in, refused, tt.want)
			}
		}
	})
}

func testAskList(t *testing.T, r *rig, b *bus.Bus) {
	var want, got []string
	for i := range 5 {
		want = append(want, hosttest.Decode[readmodel.Project](t, r.do("bob", "POST", projects, fmt.Sprintf(`{"name":"p%d"}`, i)), 201).ID)
	}
	slices.Reverse(want)
	for after := ""; ; {
		list, refused := ask[contract.ProjectList](t, b, contract.ListProjects, fmt.Sprintf(`{"userId":"bob","limit":2,"after":%q}`, after))
		if refused != "" {
			t.Fatal(refused)
		}
		for _, p := range list.Items {
			got = append(got, p.ID)
		}
		if after = list.Next; after == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRequestAgain delivers commands twice, as after a crash between the change
// and the answer; those of NestJS are written twice too, as by KafkaJS where it missed
// the broker's answer.
func TestRequestAgain(t *testing.T) {
	t.Parallel()
	t.Run("delivered", func(t *testing.T) {
		t.Parallel()
		testAgain(t, func(typ string) []string { return []string{"ce_id", typ, "ce_time", "2026-01-02T03:04:05Z"} })
	})
	t.Run("written", func(t *testing.T) {
		t.Parallel()
		testAgain(t, func(string) []string { return nil })
	})
}

func testAgain(t *testing.T, identity func(typ string) []string) {
	r := newRig(t)
	kafka := hosttest.Dial(t, r.cluster, contract.ReplyTopic(contract.Deployment))
	command := func(typ, in string) (answers []string) {
		t.Helper()
		for range 2 {
			kafka.Send(graphTopic, "", in, append(identity(typ), "ce_type", typ, "kafka_correlationId", typ,
				"kafka_replyTopic", contract.ReplyTopic(contract.Deployment))...)
			reply := kafka.Next()
			if text := hosttest.Headers(reply)["kafka_nest-err"]; text != "" {
				t.Errorf("%s: refused: %s", typ, text)
			}
			answers = append(answers, string(reply.Value))
		}
		if answers[0] != answers[1] {
			t.Errorf("%s: answered %s and %s", typ, answers[0], answers[1])
		}
		return answers
	}
	var p contract.Project
	if err := json.Unmarshal([]byte(command(contract.CreateProject, `{"userId":"alice","name":"Once"}`)[0]), &p); err != nil {
		t.Fatal(err)
	}
	if p.ID[14] != '7' || identity("") != nil && !strings.HasPrefix(p.ID, "019b7") {
		t.Errorf("id %s is no UUIDv7 of the message's time", p.ID)
	}
	command(contract.UpdateProject, `{"userId":"alice","projectId":"`+p.ID+`","name":"Twice"}`)
	command(contract.DeleteProject, `{"userId":"alice","projectId":"`+p.ID+`"}`)
	var types []string
	for _, e := range r.history("alice", p.ID) {
		types = append(types, e.Type)
	}
	if want := []string{contract.ProjectCreated, contract.ProjectUpdated, contract.ProjectDeleted}; !slices.Equal(types, want) {
		t.Errorf("events: got %q, want %q", types, want)
	}
}
