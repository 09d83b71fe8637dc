package recovery_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// stops are the ways of a broker to end.
var stops = []struct {
	name string
	stop func(*process)
}{
	{"Clean", (*process).stop},
	{"Kill", (*process).kill},
}

// TestEmptied: a partition whose records are all deleted keeps its offsets, over
// one end of the broker and over the next.
func TestEmptied(t *testing.T) {
	t.Parallel()
	for _, way := range stops {
		for _, second := range stops {
			t.Run(way.name+second.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				p := spawn(t, dir)
				cl := client(t, p.addr)
				for range 100 {
					produce(t, cl, "t", 1, "v")
				}
				deleteTo(t, cl, "t", 1, -1)
				cl.Close()
				way.stop(p)

				p = spawn(t, dir)
				if got, want := ends(t, p.addr, "t", 1), [3]int64{100, 100, 100}; got != want {
					t.Fatalf("offsets: got %v, want %v", got, want)
				}
				second.stop(p)

				p = spawn(t, dir)
				if got, want := ends(t, p.addr, "t", 1), [3]int64{100, 100, 100}; got != want {
					t.Fatalf("offsets after the second end: got %v, want %v", got, want)
				}
				produce(t, client(t, p.addr), "t", 1, "next")
				p.kill()
				p = spawn(t, dir)
				if got, want := ends(t, p.addr, "t", 1), [3]int64{100, 101, 101}; got != want {
					t.Errorf("offsets after the third end: got %v, want %v", got, want)
				}
				if got := read(t, p.addr, "t", 1, 100, kgo.ReadUncommitted()); !slices.Equal(got, []string{"next"}) {
					t.Errorf("records: got %q", got)
				}
			})
		}
	}
}

// TestDeleteRecords: so does one from which some are deleted, be it right before.
func TestDeleteRecords(t *testing.T) {
	t.Parallel()
	for _, way := range stops {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := spawn(t, dir)
			cl := client(t, p.addr)
			produce(t, cl, "t", 0, "0", "1", "2", "3", "4")
			deleteTo(t, cl, "t", 0, 3)
			cl.Close()
			way.stop(p)
			for range 2 {
				p = spawn(t, dir)
				if got, want := ends(t, p.addr, "t", 0), [3]int64{3, 5, 5}; got != want {
					t.Fatalf("offsets: got %v, want %v", got, want)
				}
				if got := read(t, p.addr, "t", 0, 3, kgo.ReadUncommitted()); !slices.Equal(got, []string{"3", "4"}) {
					t.Errorf("records: got %q", got)
				}
				p.kill()
			}
		})
	}
}

func deleteTo(t *testing.T, cl *kgo.Client, topic string, partition int32, to int64) {
	t.Helper()
	offsets := make(kadm.Offsets)
	offsets.AddOffset(topic, partition, to, -1)
	answers, err := kadm.NewClient(cl).DeleteRecords(testContext(t), offsets)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestProducer: an idempotent producer goes on over all kinds of ends.
func TestProducer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := spawn(t, dir)
	at := &address{}
	at.set(p.addr)
	cl := client(t, p.addr, kgo.Dialer(at.dial), kgo.DisableClientMetrics())
	n := 0
	next := func() {
		t.Helper()
		for range 7 { // more than kfake knows again
			produce(t, cl, "t", 0, string(rune('a'+n)))
			n++
		}
	}
	next()
	id, epoch, err := cl.ProducerID(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(*process){(*process).stop, (*process).kill, (*process).kill} {
		end(p)
		p = spawn(t, dir)
		at.set(p.addr)
		next()
	}
	if id2, epoch2, err := cl.ProducerID(testContext(t)); err != nil || id2 != id || epoch2 != epoch {
		t.Errorf("producer: got %d, %d, %v, want %d, %d as before", id2, epoch2, err, id, epoch)
	}
	if got := read(t, p.addr, "t", 0, 0, kgo.ReadUncommitted()); len(got) != n {
		t.Errorf("got %d records %q, want %d", len(got), got, n)
	}
}

// TestDeleteGroup: a group that is deleted does not come back with its commits, and
// one of its name that is there since keeps its own.
func TestDeleteGroup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := spawn(t, dir)
	cl := client(t, p.addr)
	admin := kadm.NewClient(cl)
	commit := func(group string, offset int64, partitions ...int32) {
		t.Helper()
		offsets := make(kadm.Offsets)
		for _, n := range partitions {
			offsets.AddOffset("t", n, offset, -1)
		}
		if err := admin.CommitAllOffsets(testContext(t), group, offsets); err != nil {
			t.Fatal(err)
		}
	}
	commit("gone", 5, 0, 1)
	commit("again", 5, 0, 1)
	commit("kept", 5, 0)
	if answers, err := admin.DeleteGroups(testContext(t), "gone", "again", "never"); err != nil || answers["gone"].Err != nil ||
		answers["again"].Err != nil {
		t.Fatalf("got %v, %v", answers, err)
	}
	commit("again", 1, 0)
	cl.Close()
	for range 2 {
		p.kill()
		p = spawn(t, dir)
		cl := client(t, p.addr)
		for _, want := range []struct {
			group     string
			partition int32
			offset    int64
		}{{"gone", 0, -1}, {"gone", 1, -1}, {"again", 0, 1}, {"again", 1, -1}, {"kept", 0, 5}} {
			if got := committed(t, cl, want.group, want.partition); got != want.offset {
				t.Errorf("commit of %s-%d: got %d, want %d", want.group, want.partition, got, want.offset)
			}
		}
		groups, err := kadm.NewClient(cl).ListGroups(testContext(t))
		if err != nil || slices.Contains(groups.Groups(), "gone") {
			t.Errorf("groups: got %v, %v", groups.Groups(), err)
		}
	}
}

// TestDeleteTopic: a deletion that a kill has interrupted is finished: no half of a
// topic is left, nor a commit for it.
func TestDeleteTopic(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := spawn(t, dir)
	cl := client(t, p.addr)
	produce(t, cl, "t", 0, "v")
	produce(t, cl, "t", 1, "v")
	offsets := make(kadm.Offsets)
	offsets.AddOffset("t", 0, 1, -1)
	if err := kadm.NewClient(cl).CommitAllOffsets(testContext(t), "g", offsets); err != nil {
		t.Fatal(err)
	}
	before := copyDir(t, dir)
	if _, err := kadm.NewClient(cl).DeleteTopics(testContext(t), "t"); err != nil {
		t.Fatal(err)
	}
	cl.Close()
	p.kill()
	// As it was when one directory of two had gone.
	for _, name := range []string{"topics.json", "groups.log", filepath.Join("partitions", "t-1", "0.dat"),
		filepath.Join("partitions", "t-1", "0.idx")} {
		data, err := os.ReadFile(filepath.Join(before, name))
		if err == nil {
			err = errors.Join(
				os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700),
				os.WriteFile(filepath.Join(dir, name), data, 0o600),
			)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s, addr := start(t, dir)
	if len(s.Report.Damage) > 0 {
		t.Errorf("got %v, want no damage", s.Report.Damage)
	}
	cl = client(t, addr)
	topics, err := kadm.NewClient(cl).ListTopics(testContext(t))
	if err != nil || topics.Has("t") {
		t.Errorf("topics: got %v, %v, want none", topics.Names(), err)
	}
	if err := s.Cluster.CreateTopic("t", 2, nil); err != nil {
		t.Fatal(err)
	}
	if got := ends(t, addr, "t", 1); got != [3]int64{} {
		t.Errorf("the new topic: got offsets %v", got)
	}
	if got := committed(t, cl, "g", 0); got != -1 {
		t.Errorf("commit: got %d, want none", got)
	}
}
