package retention_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"axion/broker/retention"
)

// TestDiskLevel: a disk has one problem, whose kind follows the room that there is; each
// change is logged once.
func TestDiskLevel(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	disk := retention.Disk{Total: 200 << 30}
	journal := retention.NewJournal(slog.New(slog.NewTextHandler(&log, nil)))
	now := time.Unix(0, 0)
	space := retention.NewSpace(t.TempDir(), journal,
		func(string) (retention.Disk, error) { return disk, nil }, func() time.Time { return now })
	for _, step := range []struct {
		free uint64
		want string
		logs string // the new line
	}{
		{100 << 30, "", ""}, {1 << 29, retention.KindLow, "512 MiB left"}, {1 << 28, retention.KindLow, ""},
		{16<<20 - 1, retention.KindFull, "records are refused"}, {1 << 20, retention.KindFull, ""}, {16 << 20, retention.KindLow, "16 MiB left"},
		{9 << 27, retention.KindLow, ""}, {2 << 30, "", "the disk has room again"},
		{9 << 27, "", ""}, {0, retention.KindFull, "records are refused"},
		{100 << 30, "", "records are taken"},
	} {
		disk.Free = step.free
		log.Reset()
		for range 2 { // however often it is asked
			if refused := space.Ask() != nil; refused != (step.want == retention.KindFull) {
				t.Errorf("%s free: refused: %v", retention.Bytes(int64(step.free)), refused)
			}
		}
		problems := journal.Problems()
		if got := len(problems); got > 1 || got == 0 != (step.want == "") || got == 1 && problems[0].Kind != step.want {
			t.Errorf("%s free: got %v, want %q alone", retention.Bytes(int64(step.free)), problems, step.want)
		}
		if n := strings.Count(log.String(), "\n"); !strings.Contains(log.String(), step.logs) || n > 1 || n == 0 != (step.logs == "") {
			t.Errorf("%s free: logged %q, want one line: %q", retention.Bytes(int64(step.free)), log.String(), step.logs)
		}
	}
}

// TestRefusedLarge: a disk without room for large records is full while they come, and
// is not for smaller ones once they do not.
func TestRefusedLarge(t *testing.T) {
	t.Parallel()
	disk := retention.Disk{Total: 200 << 30, Free: 20 << 20}
	now := time.Unix(0, 0)
	space := retention.NewSpace(t.TempDir(), retention.NewJournal(slog.New(slog.DiscardHandler)),
		func(string) (retention.Disk, error) { return disk, nil }, func() time.Time { return now })
	refuse := func() {
		t.Helper()
		if space.Admit(5 << 20) {
			t.Fatal("more was admitted than there is room for")
		}
		if !space.Admit(1) || space.Ask() == nil {
			t.Fatal("want small records taken, and large ones missed")
		}
	}
	refuse()
	if now = now.Add(time.Minute); space.Ask() != nil {
		t.Errorf("a minute later: %v", space.Ask())
	}
	refuse()
	if disk.Free = 40 << 20; space.Ask() != nil {
		t.Errorf("with room again: %v", space.Ask())
	}
}

// TestAdmittedLands: what was admitted counts for as long as it takes to reach the disk,
// though nobody writes after it.
func TestAdmittedLands(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	space := retention.NewSpace(t.TempDir(), retention.NewJournal(slog.New(slog.DiscardHandler)),
		func(string) (retention.Disk, error) { return retention.Disk{Total: 200 << 30, Free: 20 << 20}, nil }, func() time.Time { return now })
	if !space.Admit(3<<20) || space.Admit(3<<20) {
		t.Fatal("want room for one of two")
	}
	if space.Ask() == nil {
		t.Error("want it full for the second")
	}
	now = now.Add(20 * time.Second)
	if _, usable := space.Usable(); usable != 4<<20 {
		t.Errorf("20 s later records may take %d bytes, want 4 MiB", usable)
	}
}
