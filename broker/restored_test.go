package broker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/membership"
)

// TestRestored: a killed broker knows the members that live on, and none of those that
// lived in its process.
func TestRestored(t *testing.T) {
	t.Parallel()
	for name, protocol := range map[string]kgo.Opt{
		"Classic": kgo.Balancers(kgo.CooperativeStickyBalancer()),
		"Modern":  kgo.ServerSideBalancer(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b := start(t, Options{Dir: dir, Topics: []string{"a"}})
			join := func(id string, opts ...kgo.Opt) {
				client(t, b, append(opts, protocol, kgo.ClientID(id), kgo.ConsumeTopics("a"), kgo.ConsumerGroup("g"),
					kgo.HeartbeatInterval(50*time.Millisecond))...)
			}
			stable := func(n int) func() bool {
				return func() bool { g := groupOf(t, b, "g"); return g.Members == n && g.State == "Stable" }
			}
			join("outside")
			eventually(t, "one member", stable(1))
			join("outside too")
			eventually(t, "two members", stable(2))
			if got, want := killed(t, dir), membersOf(t, b); !slices.Equal(got, want) {
				t.Errorf("got %q after a kill, want %q", got, want)
			}
			join("inside", b.Client()...)
			eventually(t, "three members", stable(3))
			left := slices.DeleteFunc(membersOf(t, b), func(m string) bool { return m[:len("inside")] == "inside" })
			if got := killed(t, dir); len(left) != 2 || !slices.Equal(got, left) {
				t.Errorf("got %q after a kill, want %q", got, left)
			}
		})
	}
}

// membersOf are the members of group g, by client and id.
func membersOf(t *testing.T, b *Broker) (all []string) {
	t.Helper()
	g, err := b.Admin().Groups().Describe(testContext(t), "g")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range g.Members {
		all = append(all, m.ClientID+" "+m.ID)
	}
	slices.Sort(all)
	return all
}

// killed are the members in what a kill at this moment leaves.
func killed(t *testing.T, dir string) (all []string) {
	t.Helper()
	left := t.TempDir()
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	b := start(t, Options{Dir: left})
	eventually(t, "no placeholder", func() bool {
		all = membersOf(t, b)
		return !slices.ContainsFunc(all, func(m string) bool { return m == " "+membership.PlaceholderID })
	})
	return all
}

// TestReplaced: a broker that starts after a clean stop or a kill knows no member whose place
// others take, and a restart of the same broker knows them all.
func TestReplaced(t *testing.T) {
	t.Parallel()
	for name, protocol := range map[string]kgo.Opt{
		"Classic": kgo.Balancers(kgo.CooperativeStickyBalancer()),
		"Modern":  kgo.ServerSideBalancer(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replaced := func(group, clientID string) bool { return group == "g" && clientID == "served" }
			dir := t.TempDir()
			b := start(t, Options{Dir: dir, Topics: []string{"a"}, Replaced: replaced})
			for n, id := range []string{"outside", "served"} {
				client(t, b, protocol, kgo.ClientID(id), kgo.ConsumeTopics("a"), kgo.ConsumerGroup("g"), kgo.HeartbeatInterval(50*time.Millisecond))
				eventually(t, id+" in the group", func() bool { g := groupOf(t, b, "g"); return g.Members == n+1 && g.State == "Stable" })
			}
			all := membersOf(t, b)
			if err := errors.Join(b.embedded.GoOffline(), b.embedded.GoOnline()); err != nil {
				t.Fatal(err)
			}
			if got := membersOf(t, b); !slices.Equal(got, all) {
				t.Errorf("got %q after a restart, want %q", got, all)
			}
			alone := func(when, dir string) {
				t.Helper()
				next := start(t, Options{Dir: dir, Replaced: replaced})
				eventually(t, "only the other member after "+when, func() bool { return slices.Equal(membersOf(t, next), all[:1]) })
			}
			left := t.TempDir()
			if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			alone("a kill", left)
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			alone("a clean stop", dir)
		})
	}
}

// TestRestoredShare: a share group goes on where it was. kfake by itself forgets it.
func TestRestoredShare(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, Options{Dir: dir, Topics: []string{"a"}})
	reader := client(t, b, kgo.ShareGroup("s"), kgo.ConsumeTopics("a"))
	starts := func(b *Broker) membership.Starts {
		found, err := b.Admin().ShareStarts(testContext(t), "s")
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	go reader.PollFetches(testContext(t)) // has it begin, at the end of what is there
	eventually(t, "a share group that has begun", func() bool { return len(starts(b)["a"]) == 3 })
	produce(t, client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner())), "a", 3, 5)
	acknowledged := func() bool {
		s := starts(b)["a"]
		return s[0]+s[1]+s[2] == 15
	}
	for !acknowledged() {
		ctx, cancel := context.WithTimeout(testContext(t), 100*time.Millisecond)
		reader.PollFetches(ctx)
		cancel()
		if err := reader.FlushAcks(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	for forgets, want := range map[bool]membership.Starts{false: starts(b), true: {}} {
		left := t.TempDir()
		if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if forgets {
			if err := os.Remove(filepath.Join(left, "members.log")); err != nil {
				t.Fatal(err)
			}
		}
		if got := starts(start(t, Options{Dir: left})); !reflect.DeepEqual(got, want) {
			t.Errorf("forgets %t: got %v after a kill, want %v", forgets, got, want)
		}
	}
}
