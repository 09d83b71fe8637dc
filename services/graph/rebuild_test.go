package graph_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/services/bus"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/graph"
	"axion/services/host/hosttest"
)

var history = contract.HistoryTopic(contract.Graph)

// dump is all that queries read, and the slugs.
func (r *rig) dump() string {
	r.t.Helper()
	var b strings.Builder
	for _, table := range []string{
		"projects ORDER BY id", "deployments ORDER BY project_id, id", "graphs ORDER BY project_id, version",
		"events ORDER BY project_id, seq", "slugs ORDER BY slug",
	} {
		rows, err := r.DB.Query("SELECT * FROM " + table)
		if err != nil {
			r.t.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			r.t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(names))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				r.t.Fatal(err)
			}
			b.WriteString(table)
			for i, v := range values {
				fmt.Fprintf(&b, " %s=%v", names[i], *v.(*any))
			}
			b.WriteByte('\n')
		}
		if err := rows.Close(); err != nil {
			r.t.Fatal(err)
		}
	}
	return b.String()
}

// relayed waits until all events are on the history's topic.
func (r *rig) relayed() {
	r.t.Helper()
	var n int
	if err := r.DB.QueryRow(`SELECT count(*) FROM events`).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	kafka, ids := hosttest.Dial(r.t, r.cluster, history), map[string]bool{}
	for len(ids) < n {
		if h := hosttest.Headers(kafka.Next()); h["ce_source"] == contract.Graph {
			ids[h["ce_id"]] = true
		}
	}
}

// wantSame compares dumps line by line.
func wantSame(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	lines := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Errorf("line %d: got  %.300s", i, line)
			if i < len(lines) {
				t.Errorf("line %d: want %.300s", i, lines[i])
			}
			break
		}
	}
	t.Fatalf("the read models differ: got %d bytes, want %d", len(got), len(want))
}

// rebuild asks the running service by the command.
func (r *rig) rebuild(args ...string) (string, error) {
	r.t.Helper()
	var out bytes.Buffer
	cmd := graph.Command(func() ([]string, []kgo.Opt, error) { return r.cluster.ListenAddrs(), nil, nil }, func(*pflag.FlagSet) {})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{contract.Graph}, args...))
	err := cmd.ExecuteContext(r.t.Context())
	return out.String(), err
}

// changes makes all kinds of changes to n projects, and waits until they show.
func (r *rig) changes(n int) {
	r.t.Helper()
	kafka, s := r.events(), r.dial(r.t, "alice", "")
	want := func(reply hosttest.Reply, status int) {
		r.t.Helper()
		if reply.Status != status {
			r.t.Fatalf("got %d %s, want %d", reply.Status, reply.Body, status)
		}
	}
	for i := range n {
		p := r.create("alice", []string{"Site", "Tea & <Biscuits>", "site-2"}[i%3])
		path := projects + "/" + p.ID
		want(r.do("alice", "PATCH", path, `{"name":"é <b>","config":{"n":12345678901234567890,"h":"<&>\u2028"}}`), 200)
		want(hosttest.Do(r.t, "PUT", r.URL+path+"/graph", shop, hosttest.As("alice"), `If-Match: "0"`), 200)
		want(hosttest.Do(r.t, "PUT", r.URL+path+"/graph", `{"nodes":[],"edges":[]}`, hosttest.As("alice"), `If-Match: "1"`), 200)
		want(r.do("alice", "POST", path+"/graph/revert", `{"version":1}`), 200)
		want(r.do("alice", "POST", path+"/deployments", ""), 202)
		want(r.do("alice", "POST", projects, `{"name":"With a graph","graph":`+shop+`}`), 201)
		for j, typ := range []string{
			contract.DeploymentSucceeded, contract.DeploymentStarted, contract.DeploymentFailed, contract.DeploymentCancelled,
		} {
			d := r.deployments("alice", p.ID)[j%2].ID
			id := fmt.Sprint(p.ID, j)
			event(kafka, typ, p.ID, d, id, `, "url":"https://a.test/?a=1&b=<2>"`)
			event(kafka, typ, p.ID, d, id, `, "error":"again"`)
		}
		// One deployment id of all projects, and one that was not requested.
		event(kafka, contract.DeploymentProgress, p.ID, "shared", "shared"+p.ID, "")
		event(kafka, contract.DeploymentCancelled, p.ID, "foreign"+p.ID, "end"+p.ID, "")
		s.until(r.t, "foreign"+p.ID)
		if i%2 == 0 { // frees its slug, and the next one takes it
			want(r.do("alice", "DELETE", path, ""), 204)
			event(kafka, contract.DeploymentSucceeded, p.ID, "shared", "late"+p.ID, "")
		}
	}
}

func TestRebuild(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.changes(6)
	want := r.dump()
	if n := strings.Count(want, "\n"); n < 100 {
		t.Fatalf("only %d rows", n)
	}
	t.Run("OK/running", func(t *testing.T) {
		out, err := r.rebuild()
		if err != nil || !strings.HasPrefix(out, "graph-service rebuilt from ") {
			t.Fatalf("got %q, %v", out, err)
		}
		wantSame(t, r.dump(), want)
	})
	t.Run("OK/damaged", func(t *testing.T) {
		for _, statement := range []string{
			`UPDATE projects SET name = 'wrong', version = 0`, `DELETE FROM deployments`, `DELETE FROM slugs`,
			`DELETE FROM events WHERE seq > 2`, `INSERT INTO graphs VALUES ('p', 1, '{}', '')`,
		} {
			if _, err := r.DB.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := r.rebuild("--json"); err != nil || !strings.HasPrefix(out, `{"events":`) {
			t.Fatalf("got %q, %v", out, err)
		}
		wantSame(t, r.dump(), want)
	})
	t.Run("OK/duplicates", func(t *testing.T) {
		// The relay publishes again what it could not delete before a crash.
		kafka := hosttest.Dial(t, r.cluster, history)
		for range kafka.Count(history) {
			record := kafka.Next()
			var headers []string
			for _, h := range record.Headers {
				headers = append(headers, h.Key, string(h.Value))
			}
			kafka.Send(history, string(record.Key), string(record.Value), headers...)
		}
		kafka.Event(history, "p", contract.ProjectCreated, "foreign", "not JSON")
		if _, err := r.rebuild(); err != nil {
			t.Fatal(err)
		}
		wantSame(t, r.dump(), want)
	})
	t.Run("OK/stopped", func(t *testing.T) {
		r.Stop()
		o := hosttest.Options(t, r.cluster, r.dir)
		if err := o.Listener.Close(); err != nil {
			t.Fatal(err)
		}
		o.Listener = nil
		if _, err := graph.Rebuild(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		r.start()
		wantSame(t, r.dump(), want)
	})
	t.Run("OK/fromNothing", func(t *testing.T) {
		r.relayed()
		r.Stop()
		r.dir = t.TempDir()
		r.start()
		if got := r.dump(); got != "" {
			t.Fatalf("the new database holds %.100s", got)
		}
		if _, err := r.rebuild(); err != nil {
			t.Fatal(err)
		}
		wantSame(t, r.dump(), want)
		if got := r.create("alice", "Site").Slug; strings.Contains(want, "slug="+got+" ") {
			t.Errorf("slug %s is taken", got)
		}
	})
}

// TestRebuildPending rebuilds while events wait in the outbox.
func TestRebuildPending(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	r := newRig(t)
	r.changes(2)
	outage := refuseProduce(t, r.cluster, history)
	r.changes(2)
	want := r.dump()
	if _, err := r.rebuild(); err != nil {
		t.Fatal(err)
	}
	wantSame(t, r.dump(), want)
	outage.end()
	r.Stop()
	r.start()
	if _, err := r.rebuild(); err != nil {
		t.Fatal(err)
	}
	wantSame(t, r.dump(), want)
}

// TestRebuildCrash ends the service in the middle of a rebuild.
func TestRebuildCrash(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	r := newRig(t)
	r.changes(4)
	want := r.dump()
	reading := make(chan struct{})
	var once sync.Once
	var released atomic.Bool
	id := topicID(t, r, history)
	r.cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.KeepControl()
		concerned := slices.ContainsFunc(req.(*kmsg.FetchRequest).Topics, func(t kmsg.FetchRequestTopic) bool {
			return t.Topic == history || t.TopicID == id
		})
		if !concerned || released.Load() {
			return nil, nil, false
		}
		once.Do(func() { close(reading) }) // the old read model is dropped by now
		return nil, errors.New("cut"), true
	})
	r.events().Event(graphTopic, "", "REBUILD", "rebuild", "{}")
	select {
	case <-reading:
	case <-time.After(hosttest.Deadline):
		t.Fatal("no rebuild")
	}
	r.Kill()
	released.Store(true)
	r.start()
	wantSame(t, r.dump(), want)
	if _, err := r.rebuild(); err != nil {
		t.Fatal(err)
	}
	wantSame(t, r.dump(), want)
}

// TestRebuildBesideChanges rebuilds again and again while clients write.
func TestRebuildBesideChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 10 {
			if _, err := r.rebuild(); err != nil {
				t.Error(err)
			}
		}
	}()
	r.changes(3)
	<-done
	want := r.dump()
	if _, err := r.rebuild(); err != nil {
		t.Fatal(err)
	}
	wantSame(t, r.dump(), want)
}

func TestRebuildErr(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.changes(1)
	want := r.dump()
	client, err := kgo.NewClient(kgo.SeedBrokers(r.cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	admin := kadm.NewClient(client)
	refused := func(t *testing.T, text string) {
		t.Helper()
		_, err := r.rebuild()
		var remote *bus.RemoteError
		if !errors.As(err, &remote) || !strings.Contains(remote.Message, text) {
			t.Errorf("got %v, want %q", err, text)
		}
		wantSame(t, r.dump(), want)
	}
	t.Run("Cut", func(t *testing.T) {
		ends, err := admin.ListEndOffsets(t.Context(), history)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.DeleteRecords(t.Context(), ends.Offsets()); err != nil {
			t.Fatal(err)
		}
		refused(t, "its oldest records are gone")
	})
	t.Run("Lost", func(t *testing.T) {
		if _, err := admin.DeleteTopics(t.Context(), history); err != nil {
			t.Fatal(err)
		}
		clustertest.Settle(t, r.cluster.ListenAddrs()...)
		r.Stop()
		r.start()
		refused(t, "the history is not whole")
	})
	t.Run("Service", func(t *testing.T) {
		cmd := graph.Command(func() ([]string, []kgo.Opt, error) { return nil, nil, errors.New("no stack") }, func(*pflag.FlagSet) {})
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs([]string{contract.Codegen})
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), contract.Codegen) {
			t.Errorf("got %v", err)
		}
		cmd.SetArgs([]string{contract.Graph})
		if err := cmd.Execute(); err == nil || err.Error() != "no stack" {
			t.Errorf("got %v", err)
		}
	})
}

func topicID(t *testing.T, r *rig, topic string) [16]byte {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(r.cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return topics[topic].ID
}
