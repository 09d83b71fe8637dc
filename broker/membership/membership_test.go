package membership

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestClassic: after a kill, and after one more, members go on as if nothing had been.
func TestClassic(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), true)
	generation, first, other := n.stable(outside)
	if err := n.commit(generation, first, 7); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		n = n.kill(true)
		for _, id := range []string{first, other} {
			if err := n.heartbeat(generation, id); err != nil {
				t.Errorf("heartbeat after a kill: got %v", err)
			}
			if resp := n.sync(outside, generation, id); resp.ErrorCode != 0 || string(resp.MemberAssignment) != id {
				t.Errorf("assignment after a kill: got %q, error %d", resp.MemberAssignment, resp.ErrorCode)
			}
		}
		if err := n.commit(generation, other, 8); err != nil {
			t.Errorf("commit after a kill: got %v", err)
		}
		if err := n.commit(generation-1, other, 6); err != kerr.IllegalGeneration {
			t.Errorf("commit of an older generation: got %v", err)
		}
	}
}

// TestKfakeForgets shows what kfake does by itself, and Kafka does not. Once it
// remembers, this package is of no use any more.
func TestKfakeForgets(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), false)
	generation, first, _ := n.stable(outside)
	n = n.kill(false)
	if err := n.heartbeat(generation, first); err != kerr.UnknownMemberID {
		t.Errorf("heartbeat of a classic member: got %v", err)
	}
	n = open(t, t.TempDir(), false)
	n.beat(outside, "m", 0)
	n = n.kill(false)
	if resp := n.beat(outside, "m", 1); resp.ErrorCode != kerr.UnknownMemberID.Code {
		t.Errorf("heartbeat of a modern member: got %v", kerr.ErrorForCode(resp.ErrorCode))
	}
}

// TestClassicRebalance: a kill amid a rebalance has members join again, with their ids.
func TestClassicRebalance(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), true)
	id := n.newID(outside)
	leader := n.join(map[string]Client{id: outside})
	n = n.kill(true)
	if err := n.heartbeat(leader.Generation, id); err != kerr.RebalanceInProgress {
		t.Errorf("got %v, want a rebalance", err)
	}
	next := n.join(map[string]Client{id: outside})
	if next.Generation <= leader.Generation {
		t.Errorf("got generation %d after %d", next.Generation, leader.Generation)
	}
	if resp := n.sync(outside, next.Generation, id, id); string(resp.MemberAssignment) != id {
		t.Errorf("got %+v", resp)
	}
}

// TestClassicLeft: who has left, and who lived in the broker's process, is gone; the
// others get their part.
func TestClassicLeft(t *testing.T) {
	t.Parallel()
	local := Client{ID: "builtin", Host: "memory", Local: true}
	for _, c := range []Client{local, outside} {
		n := open(t, t.TempDir(), true)
		generation, first, other := n.stable(c)
		want := kerr.UnknownMemberID
		if c == outside {
			req := kmsg.NewPtrLeaveGroupRequest()
			req.Version, req.Group = 5, testGroup
			req.Members = append(req.Members, kmsg.LeaveGroupRequestMember{MemberID: other})
			n.ask(c, other, req)
		}
		n = n.kill(true)
		if err := n.heartbeat(generation, other); err != want {
			t.Errorf("%s: got %v, want %v", c.ID, err, want)
		}
		if err := n.heartbeat(generation, first); err != kerr.RebalanceInProgress {
			t.Errorf("%s: the other got %v, want a rebalance", c.ID, err)
		}
	}
}

// TestStatic: a static member that has come back before the kill, with a new id, has
// the part that it had, and is the only one of its name.
func TestStatic(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), true)
	instance := "instance"
	join := func(id string) *kmsg.JoinGroupResponse {
		req := joinRequest(id)
		req.InstanceID = &instance
		return n.ask(outside, "", req).(*kmsg.JoinGroupResponse)
	}
	first := join("")
	if resp := n.sync(outside, first.Generation, first.MemberID, first.MemberID); resp.ErrorCode != 0 {
		t.Fatalf("sync: got %+v", resp)
	}
	again := join("")
	if again.ErrorCode != 0 || again.Generation != first.Generation || again.MemberID == first.MemberID {
		t.Fatalf("got %+v after %+v", again, first)
	}
	n = n.kill(true)
	if len(n.restored) != 1 || !n.restored[0].Static || n.restored[0].ID != again.MemberID {
		t.Errorf("got %+v, want the one static member", n.restored)
	}
	if err := n.heartbeat(again.Generation, again.MemberID); err != nil {
		t.Errorf("got %v", err)
	}
	if resp := n.sync(outside, again.Generation, again.MemberID); string(resp.MemberAssignment) != first.MemberID {
		t.Errorf("got %q, want the assignment of before", resp.MemberAssignment)
	}
}

// TestClean: after a clean stop kfake's own file counts.
func TestClean(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := open(t, dir, true)
	generation, first, other := n.stable(outside)
	n.hangUp()
	n.cluster.Close()
	if err := n.journal.Seal(); err != nil {
		t.Fatal(err)
	}
	n = open(t, dir, true)
	if len(n.restored) != 0 {
		t.Errorf("got %v, want none to wait for", n.restored)
	}
	n = n.kill(true) // the journal goes on with those that were there
	for _, id := range []string{first, other} {
		if err := n.heartbeat(generation, id); err != nil {
			t.Errorf("after a clean stop and a kill: got %v", err)
		}
	}
	if len(n.restored) != 2 {
		t.Errorf("got %v, want both", n.restored)
	}
}

// TestSealEmpty: kfake leaves no file where nobody is left, nor does the journal.
func TestSealEmpty(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := open(t, dir, true)
	n.hangUp()
	n.cluster.Close()
	if err := n.journal.Seal(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, journalName)); !os.IsNotExist(err) {
		t.Errorf("the journal is still there: %v", err)
	}
}

// TestModern: members of KIP-848 keep their epochs and partitions, and what was being
// moved at the kill is moved after it.
func TestModern(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), true)
	first := n.beat(outside, "a", 0)
	if got := partsOf(first); len(got) != 4 {
		t.Fatalf("got %v, want all partitions", got)
	}
	n.beat(outside, "b", 0)
	revoked := n.beat(outside, "a", first.MemberEpoch, 0, 1, 2, 3) // asked to give up two
	kept := partsOf(revoked)
	if len(kept) != 2 {
		t.Fatalf("got %v, want two partitions", kept)
	}
	for range 2 {
		n = n.kill(true)
	}
	again := n.beat(outside, "a", revoked.MemberEpoch, kept...)
	if again.ErrorCode != 0 {
		t.Fatalf("heartbeat after a kill: got %v", kerr.ErrorForCode(again.ErrorCode))
	}
	if got := partsOf(again); got != nil && !slices.Equal(got, kept) {
		t.Errorf("got %v, want %v", got, kept)
	}
	info := n.cluster.GroupInfo(testGroup)
	if len(info.Members) != 2 {
		t.Fatalf("got %+v, want two members", info.Members)
	}
	epoch := int32(1)
	for _, m := range n.journal.groups[testGroup].members {
		if m.ID == "b" {
			epoch = m.Epoch
		}
	}
	other := n.beat(outside, "b", epoch)
	has := func(p int32) bool { return slices.Contains(kept, p) }
	if got := partsOf(other); other.ErrorCode != 0 || len(got) != 2 || slices.ContainsFunc(got, has) {
		t.Errorf("the other member: got %v, error %v, want the two that %v are not", got, kerr.ErrorForCode(other.ErrorCode), kept)
	}
}

// TestStaleCommit: what a member of KIP-848 commits late, for a partition that another
// has by now, is refused. kfake by itself takes it.
func TestStaleCommit(t *testing.T) {
	t.Parallel()
	for _, journal := range []bool{true, false} {
		n := open(t, t.TempDir(), journal)
		first := n.beat(outside, "a", 0)
		n.beat(outside, "b", 0)
		kept := partsOf(n.beat(outside, "a", first.MemberEpoch, 0, 1, 2, 3))
		second := n.beat(outside, "a", first.MemberEpoch, kept...)
		if second.MemberEpoch <= first.MemberEpoch || len(kept) != 2 {
			t.Fatalf("got %v of epoch %d after %d", kept, second.MemberEpoch, first.MemberEpoch)
		}
		for p := range int32(4) {
			var want error
			if journal && !slices.Contains(kept, p) {
				want = kerr.StaleMemberEpoch
			}
			if err := n.commitTo(p, first.MemberEpoch, "a", 5); err != want {
				t.Errorf("journal %t: partition %d by the old epoch: got %v, want %v", journal, p, err, want)
			}
			if err := n.commitTo(p, second.MemberEpoch, "a", 6); err != nil {
				t.Errorf("journal %t: partition %d by the present epoch: got %v", journal, p, err)
			}
		}
	}
}

// TestModernLeft: who has left, and who lived in the broker's process, is gone.
func TestModernLeft(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), true)
	first := n.beat(outside, "a", 0)
	n.beat(Client{ID: "builtin", Local: true}, "b", 0)
	n.beat(outside, "c", 0)
	n.leaveModern("c")
	n = n.kill(true)
	if resp := n.beat(outside, "a", first.MemberEpoch, 0, 1, 2, 3); resp.ErrorCode != 0 {
		t.Errorf("got %v", kerr.ErrorForCode(resp.ErrorCode))
	}
	info := n.cluster.GroupInfo(testGroup)
	if len(info.Members) != 1 || info.Members[0].NumAssigned() != 4 {
		t.Errorf("got %+v, want one member with all partitions", info.Members)
	}
}

// TestTorn: an interrupted write costs what nobody was sent.
func TestTorn(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), true)
	generation, first, _ := n.stable(outside)
	path := filepath.Join(n.dir, journalName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, `{"g":"group","gone":["`+first...), 0o600); err != nil {
		t.Fatal(err)
	}
	n = n.kill(true)
	if err := n.heartbeat(generation, first); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestCompact: a journal that is written anew holds the same.
func TestCompact(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), true)
	first := n.newID(outside)
	n.join(map[string]Client{first: outside})
	n.journal.mu.Lock()
	n.journal.limit = 0
	n.journal.mu.Unlock()
	generation, other := n.grow(outside, first)
	n.sync(outside, generation, first, first, other)
	all, err := readJournal(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(all.entries())
	want, _ := json.Marshal(n.journal.groups.entries())
	if string(got) != string(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzRestore: whatever the journal holds, what kfake is to read can be read.
func FuzzRestore(f *testing.F) {
	f.Add([]byte(`{"g":"a","gen":3,"leader":"m","m":{"id":"m","gen":3,"session":6000,"protocols":["range"]}}`))
	f.Add([]byte(`{"g":"a","modern":true,"m":{"id":"m","epoch":1,"owned":{"AAAAAAAAAAAAAAAAAAAAAA==":[0]}}}`))
	f.Add([]byte("{\"g\":\"a\",\"keep\":[]}\n{\"g\":\"a\",\"assign\":{\"m\":\"AA==\"}}\n\x00{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, journalName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		j, members, err := Restore(dir, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, sessionName))
		if os.IsNotExist(err) && len(members) == 0 {
			return
		}
		var s session
		if err != nil || json.Unmarshal(raw, &s) != nil {
			t.Fatalf("got %q, %v", raw, err)
		}
	})
}
