package retention

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// batch is the header of a batch of one record, and some bytes behind it.
func batch(offset int64, at time.Time, size int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint64(b, uint64(offset))
	binary.BigEndian.PutUint32(b[8:], uint32(size-12))
	binary.BigEndian.PutUint64(b[35:], uint64(at.UnixMilli()))
	return b
}

// writeSegments makes segments of 1,000 bytes in a folder, each of two records,
// whose ages are given.
func writeSegments(t *testing.T, now time.Time, ages ...[2]time.Duration) string {
	t.Helper()
	folder := t.TempDir()
	for i, pair := range ages {
		data := append(batch(int64(2*i), now.Add(-pair[0]), 400), batch(int64(2*i+1), now.Add(-pair[1]), 600)...)
		if err := os.WriteFile(filepath.Join(folder, strconv.Itoa(2*i)+".dat"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// TestPlan: what Kafka's UnifiedLog.deleteOldSegments takes.
func TestPlan(t *testing.T) {
	t.Parallel()
	const day, none = 24 * time.Hour, time.Duration(-1)
	old, fresh, mixed := [2]time.Duration{9 * day, 8 * day}, [2]time.Duration{day, day / 2}, [2]time.Duration{9 * day, day}
	type ages = [][2]time.Duration
	for name, test := range map[string]struct {
		ages ages
		set  Settings
		upTo int64
		keep int
	}{
		"Empty":              {nil, Settings{Delete: true, Age: 7 * day, Bytes: 1}, 0, 0},
		"None":               {ages{old, old, old}, Settings{Delete: true, Age: none, Bytes: -1}, 0, 0},
		"Age":                {ages{old, old, fresh}, Settings{Delete: true, Age: 7 * day, Bytes: -1}, 4, 2},
		"AgeOfNewestRecord":  {ages{mixed, old, fresh}, Settings{Delete: true, Age: 7 * day, Bytes: -1}, 0, 0},
		"AgeStopsAtFresh":    {ages{old, fresh, old}, Settings{Delete: true, Age: 7 * day, Bytes: -1}, 2, 1},
		"AgeKeepsNewest":     {ages{old, old}, Settings{Delete: true, Age: 7 * day, Bytes: -1}, 2, 1},
		"OwnAgeTakesNewest":  {ages{old, old}, Settings{Delete: true, Age: 7 * day, OwnAge: true, Bytes: -1}, 4, 2},
		"OwnAgeKeepsFresh":   {ages{old, fresh}, Settings{Delete: true, Age: 7 * day, OwnAge: true, Bytes: -1}, 2, 1},
		"Size":               {ages{fresh, fresh, fresh}, Settings{Delete: true, Age: none, Bytes: 2000}, 2, 1},
		"SizeIsLeft":         {ages{fresh, fresh, fresh}, Settings{Delete: true, Age: none, Bytes: 2001}, 0, 0},
		"SizeKeepsNewest":    {ages{fresh, fresh}, Settings{Delete: true, Age: none, Bytes: 0}, 2, 1},
		"OneLargerThanLimit": {ages{fresh}, Settings{Delete: true, Age: none, Bytes: 1}, 0, 0},
		"CompactOnly":        {ages{old, old}, Settings{Compact: true, Age: 7 * day, Bytes: 1}, 0, 0},
		"CompactAndDelete":   {ages{old, fresh}, Settings{Compact: true, Delete: true, Age: 7 * day, Bytes: -1}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			folder := writeSegments(t, now, test.ages...)
			all, err := segments(nil).refresh(folder)
			if err != nil {
				t.Fatal(err)
			}
			upTo, keep, _, err := all.plan(folder, test.set, now)
			if err != nil || upTo != test.upTo || keep != test.keep {
				t.Errorf("got up to %d, %d segments, %v; want %d, %d", upTo, keep, err, test.upTo, test.keep)
			}
		})
	}
}

// TestPlanDue: it is reported when the next segment gets too old.
func TestPlanDue(t *testing.T) {
	t.Parallel()
	now := time.Now()
	folder := writeSegments(t, now, [2]time.Duration{3 * time.Hour, 2 * time.Hour}, [2]time.Duration{})
	all, err := segments(nil).refresh(folder)
	if err != nil {
		t.Fatal(err)
	}
	_, _, due, err := all.plan(folder, Settings{Delete: true, Age: 5 * time.Hour, Bytes: -1}, now)
	if left := due.Sub(now); err != nil || left < 3*time.Hour-time.Second || left > 3*time.Hour+time.Second {
		t.Errorf("due in %v, %v; want 3 h", left, err)
	}
	if upTo, _, _, _ := all.plan(folder, Settings{Delete: true, Age: 5 * time.Hour, Bytes: -1}, due); upTo != 2 {
		t.Errorf("when it is due: up to %d, want 2", upTo)
	}
}

// TestScanGoesOn: of a segment that grows, only what is new is read; what is torn
// counts once it is whole. Without timestamps, the file's time counts.
func TestScanGoesOn(t *testing.T) {
	t.Parallel()
	folder, now := t.TempDir(), time.Now()
	name := filepath.Join(folder, "0.dat")
	whole := append(batch(0, now.Add(-time.Hour), 100), batch(1, now, 100)...)
	var all segments
	for _, step := range []struct {
		size int
		end  int64
	}{{50, 0}, {100, 1}, {150, 1}, {200, 2}} {
		if err := os.WriteFile(name, whole[:step.size], 0o600); err != nil {
			t.Fatal(err)
		}
		next, err := all.refresh(folder)
		if err == nil {
			err = next[0].scan(folder)
		}
		if all = next; err != nil || all[0].end != step.end {
			t.Errorf("%d bytes: got the end %d, %v; want %d", step.size, all[0].end, err, step.end)
		}
	}
	untimed := segment{newest: -1, modified: now.Add(-time.Minute)}
	if got := untimed.age(now); got != time.Minute {
		t.Errorf("without timestamps: got an age of %v, want a minute", got)
	}
}

// FuzzScan: no file makes the scan fail, hang or count what is not there.
func FuzzScan(f *testing.F) {
	f.Add(batch(0, time.Now(), 100))
	f.Add(append(batch(5, time.Now(), 61), batch(6, time.Now(), 70)[:50]...))
	f.Add(make([]byte, 200))
	f.Fuzz(func(t *testing.T, data []byte) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "0.dat"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := segments(nil).refresh(folder)
		if err == nil {
			err = all[0].scan(folder)
		}
		if err != nil || all[0].read > int64(len(data)) {
			t.Errorf("read %d of %d bytes, %v", all[0].read, len(data), err)
		}
	})
}

// TestCopies: what a compaction has not finished is put back, also where putting
// back was cut off.
func TestCopies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "partitions", "a-0")
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("0.dat", "old")
	write("0.idx", "index")
	if err := keepCopies(dir, []string{folder, filepath.Join(dir, "partitions", "none-0")}); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{"0.dat", "5.dat", "snapshot.json"} {
		_ = os.Remove(filepath.Join(folder, left))
		write(left, "new")
	}
	_ = os.Remove(filepath.Join(folder, "0.idx"))
	_ = os.Link(filepath.Join(dir, copiesName, "a-0", "0.idx"), filepath.Join(folder, "0.idx")) // a first try came to here
	for range 2 {
		if _, err := Prepare(dir); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(folder)
		if err != nil || len(entries) != 2 {
			t.Fatalf("got %v, %v; want the two files", entries, err)
		}
		if text, _ := os.ReadFile(filepath.Join(folder, "0.dat")); string(text) != "old" {
			t.Errorf("got %q, want what was there", text)
		}
	}
	// Copies that are not complete count for nothing: nothing was removed yet.
	if err := keepCopies(dir, []string{folder}); err != nil {
		t.Fatal(err)
	}
	write("7.dat", "later")
	if err := os.Remove(filepath.Join(dir, copiesName, completeName)); err != nil {
		t.Fatal(err)
	}
	if n, err := Prepare(dir); n != 0 || err != nil {
		t.Errorf("got %d, %v; want nothing put back", n, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "7.dat")); err != nil {
		t.Error(err)
	}
}
