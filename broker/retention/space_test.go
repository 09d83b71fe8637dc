package retention_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"axion/broker/retention"
)

// TestSpaceDirectory: a large data directory is reported once, and again only after it
// was clearly smaller.
func TestSpaceDirectory(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	journal := retention.NewJournal(slog.New(slog.NewTextHandler(&log, nil)))
	space := retention.NewSpace(t.TempDir(), journal, func(string) (retention.Disk, error) {
		return retention.Disk{Free: 100 << 30, Total: 200 << 30}, nil
	}, nil)
	const limit = 5 << 30
	times := 0
	for _, step := range []struct {
		size  int64
		large bool
		begin bool
	}{
		{limit, false, false}, {limit + 1, true, true}, {limit + 2, true, false}, {limit - 1, true, false},
		{limit * 8 / 10, false, false}, {limit - 1, false, false}, {limit + 1, true, true},
	} {
		space.Look(step.size)
		problems := journal.Problems()
		if got := len(problems) == 1; got != step.large {
			t.Errorf("%d bytes: got %v", step.size, problems)
		}
		if step.large && (problems[0].Kind != retention.KindDirectory || problems[0].Hint == "") {
			t.Errorf("%d bytes: got %+v", step.size, problems[0])
		}
		if step.begin {
			times++
		}
		if got := strings.Count(log.String(), "has grown to"); got != times {
			t.Errorf("%d bytes: it is logged %d times, want %d", step.size, got, times)
		}
	}
}
