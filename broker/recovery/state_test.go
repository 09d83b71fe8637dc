package recovery_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/recovery"
)

// contents are the files of a directory that a broker reads.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// killed is a directory of a broker that was killed with a transaction open, one
// prepared, records deleted, and a producer with state; clean says that a clean
// stop came somewhere before.
func killed(t *testing.T, clean bool) (dir string) {
	t.Helper()
	dir = t.TempDir()
	p := spawn(t, dir)
	cl := client(t, p.addr)
	for i := range 30 {
		produce(t, cl, "t", 0, record(i))
	}
	a, epochA := initProducer(t, cl, "a")
	produceTxn(t, cl, "a", a, epochA, 0, 0)
	stageOffset(t, cl, "a", a, epochA, "g", 0, 5)
	cl.Close()
	if clean {
		p.stop()
	} else {
		p.kill()
	}
	p = spawn(t, dir, childDies+"=1")
	cl = client(t, p.addr, kgo.RequestRetries(0))
	for i := range 30 {
		produce(t, cl, "t", 0, record(30+i))
	}
	b, epochB := initProducer(t, cl, "b")
	produceTxn(t, cl, "b", b, epochB, 0, 0)
	produceTxn(t, cl, "b", b, epochB, 1, 0)
	stageOffset(t, cl, "b", b, epochB, "g", 0, 6)
	c, epochC := initProducer(t, cl, "c")
	produceTxn(t, cl, "c", c, epochC, 1, 0)
	deleteTo(t, cl, "t", 0, 20)
	_, _ = endRequest("b", b, epochB, true).RequestWith(testContext(t), cl) // kills it
	p.kill()
	return dir
}

// TestAgain: a second recovery changes nothing, and one that is killed is made
// up for by the next, wherever it came to.
func TestAgain(t *testing.T) {
	t.Parallel()
	for _, clean := range []bool{true, false} {
		t.Run(map[bool]string{true: "AfterClean", false: "AfterKill"}[clean], func(t *testing.T) {
			t.Parallel()
			dir := killed(t, clean)
			first := copyDir(t, dir)
			report, err := recovery.Run(first)
			if err != nil {
				t.Fatal(err)
			}
			if report.Committed != 1 || report.Aborted != 1+map[bool]int{true: 1}[clean] || len(report.Damage) > 0 {
				t.Errorf("got %+v", report)
			}
			want := contents(t, first)
			if report, err := recovery.Run(first); err != nil || report.Markers > 0 || report.Aborted+report.Committed > 0 {
				t.Errorf("second run: got %+v, %v, want that nothing was to do", report, err)
			}
			compare(t, want, contents(t, first))

			for i := range 8 {
				again := copyDir(t, dir)
				p := spawnRecovery(t, again)
				time.Sleep(time.Duration(i) * time.Millisecond) // wherever it comes to
				p.kill()
				if _, err := recovery.Run(again); err != nil {
					t.Fatal(err)
				}
				compare(t, want, contents(t, again))
			}
		})
	}
}

// compare compares directories, but for the times in them.
func compare(t *testing.T, want, got map[string]string) {
	t.Helper()
	for name, text := range want {
		switch {
		case strings.HasSuffix(name, "checkpoint.json"):
		case strings.HasSuffix(name, ".dat"):
			if a, b := withoutTimes(t, text), withoutTimes(t, got[name]); a != b {
				t.Errorf("%s: got other batches: %d bytes, want %d", name, len(got[name]), len(text))
			}
		case strings.HasSuffix(name, ".idx"):
			if len(text) != len(got[name]) {
				t.Errorf("%s: got %d bytes, want %d", name, len(got[name]), len(text))
			}
		case strings.HasSuffix(name, "groups.log"):
			a, _, _ := recovery.Entries([]byte(text))
			b, _, _ := recovery.Entries([]byte(got[name]))
			if lastCommit(t, a) != lastCommit(t, b) {
				t.Errorf("%s: got the last commit %s, want %s", name, lastCommit(t, b), lastCommit(t, a))
			}
		case strings.HasSuffix(name, "snapshot.json"):
			if a, b := snapshot(t, text), snapshot(t, got[name]); a != b {
				t.Errorf("%s: got %s, want %s", name, b, a)
			}
		case text != got[name]:
			t.Errorf("%s: got %.300q, want %.300q", name, got[name], text)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok && !strings.HasSuffix(name, ".tmp") {
			t.Errorf("%s: is left over", name)
		}
	}
}

func snapshot(t *testing.T, text string) string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "created_at")
	delete(all, "max_timestamp")
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func lastCommit(t *testing.T, entries [][]byte) string {
	t.Helper()
	last := ""
	for _, e := range entries {
		if data := e[10:]; bytes.Contains(data, []byte(`"commit"`)) { // behind the frame
			last, _, _ = strings.Cut(string(data), `,"lc"`)
		}
	}
	return last
}

// withoutTimes leaves out checksums and times of batches.
func withoutTimes(t *testing.T, data string) string {
	t.Helper()
	raw := []byte(data)
	for _, at := range batches(t, raw) {
		copy(raw[at+17:at+21], make([]byte, 4))
		copy(raw[at+27:at+43], make([]byte, 16))
	}
	return string(raw)
}

// TestTornTransaction: markers that are in some partitions only, as a kill
// within kfake's end of the transaction leaves them, are completed.
func TestTornTransaction(t *testing.T) {
	t.Parallel()
	for _, commits := range []bool{true, false} {
		t.Run(map[bool]string{true: "Commit", false: "Abort"}[commits], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := spawn(t, dir)
			cl := client(t, p.addr)
			id, epoch := initProducer(t, cl, "x")
			produceTxn(t, cl, "x", id, epoch, 0, 0)
			produceTxn(t, cl, "x", id, epoch, 1, 0)
			stageOffset(t, cl, "x", id, epoch, "g", 0, 7)
			before := copyDir(t, dir) // nothing is written meanwhile
			endTxn(t, cl, "x", id, epoch, commits, func() {})
			cl.Close()
			p.kill()
			// What is written before the marker of partition 1.
			for _, name := range []string{"pids.log", "groups.log", "partitions/t-1/0.dat", "partitions/t-1/0.idx"} {
				data, err := os.ReadFile(filepath.Join(before, filepath.FromSlash(name)))
				if os.IsNotExist(err) {
					err = os.Remove(filepath.Join(dir, filepath.FromSlash(name)))
				} else {
					err = os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), data, 0o600)
				}
				if err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			s, addr := start(t, dir)
			if s.Report.Markers != 1 {
				t.Errorf("got %d markers, want that of partition 1", s.Report.Markers)
			}
			var want []string
			offset := int64(-1)
			if commits {
				want, offset = []string{"txn"}, 7
			}
			for n := range int32(2) {
				if got := read(t, addr, "t", n, 0, kgo.ReadCommitted()); !slices.Equal(got, want) {
					t.Errorf("partition %d: got %q, want %q", n, got, want)
				}
			}
			if got := committed(t, client(t, addr), "g", 0); got != offset {
				t.Errorf("commit: got %d, want %d", got, offset)
			}
		})
	}
}

// TestResend: a batch that is sent again after a kill is known, and a gap is
// refused as before.
func TestResend(t *testing.T) {
	t.Parallel()
	for _, way := range stops {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := spawn(t, dir)
			cl := client(t, p.addr)
			id := idempotent(t, cl)
			for i := range int32(8) {
				if _, err := produceRaw(t, cl, 0, nil, rawBatch("v", 0, id, 0, i)); err != nil {
					t.Fatal(err)
				}
			}
			cl.Close()
			way.stop(p)
			p = spawn(t, dir)
			cl = client(t, p.addr)
			for i := int32(3); i < 8; i++ { // the last five
				if at, err := produceRaw(t, cl, 0, nil, rawBatch("v", 0, id, 0, i)); err != nil || at != int64(i) {
					t.Errorf("sequence %d again: got offset %d, %v, want the one it had", i, at, err)
				}
			}
			if _, err := produceRaw(t, cl, 0, nil, rawBatch("v", 0, id, 0, 9)); err == nil {
				t.Error("a gap was accepted")
			}
			if at, err := produceRaw(t, cl, 0, nil, rawBatch("v", 0, id, 0, 8)); err != nil || at != 8 {
				t.Errorf("the next: got offset %d, %v", at, err)
			}
			if at, err := produceRaw(t, cl, 0, nil, rawBatch("v", 0, id, 1, 0)); err != nil || at != 9 {
				t.Errorf("the next epoch: got offset %d, %v", at, err)
			}
			cl.Close()
			p.kill()
			p = spawn(t, dir)
			if _, err := produceRaw(t, client(t, p.addr), 0, nil, rawBatch("v", 0, id, 0, 9)); err == nil {
				t.Error("an epoch that was over was accepted")
			}
		})
	}
}

// TestCompacted: the sequences of a producer go on after a compaction took its last
// batches and a kill all that kfake knew of them.
func TestCompacted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := spawn(t, dir, childCompacts+"=1")
	cl := client(t, p.addr)
	a, b := idempotent(t, cl), idempotent(t, cl)
	for i := range int32(6) { // all but the first are superseded
		value := "other=v"
		if i == 0 {
			value = "first=v"
		}
		if _, err := produceRaw(t, cl, 0, nil, rawBatch(value, 0, a, 0, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range int32(2) {
		if _, err := produceRaw(t, cl, 0, nil, rawBatch("other=v", 0, b, 0, i)); err != nil {
			t.Fatal(err)
		}
	}
	deleteTo(t, cl, "t", 1, 0) // has the child compact
	cl.Close()
	if got := read(t, p.addr, "t", 0, 0, kgo.ReadUncommitted()); len(got) > 3 {
		t.Fatalf("got %d records: nothing was compacted", len(got))
	}
	p.kill()
	p = spawn(t, dir)
	cl = client(t, p.addr)
	for id, next := range map[int64]int32{a: 6, b: 2} {
		if _, err := produceRaw(t, cl, 0, nil, rawBatch("v", 0, id, 0, next)); err != nil {
			t.Errorf("sequence %d: %v", next, err)
		}
	}
}
