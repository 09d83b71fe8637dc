package recovery

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// The formats of what kfake (v0.0.0-20260918) logs that has consequences here. It
// reports them in no other way.
const (
	formatCut     = "partition %s-%d segment %d: truncating %d corrupt bytes"
	formatNotKept = "persist to disk: %v"
	formatSession = "save session state: %v"
)

// awaySuffix is of a segment that kfake is not to cut.
const awaySuffix = ".away"

// watch is a logger for kfake that passes on what it logs, and acts on some. Its
// methods are safe for concurrent use.
type watch struct {
	kfake.Logger
	root string

	mu       sync.Mutex
	failed   bool // the clean stop has not written all
	running  bool
	suspects map[string]bool // by partition.String
	away     []string
	err      error
}

var _ kfake.Logger = (*watch)(nil)

// Logf implements [kfake.Logger].
func (w *watch) Logf(level kfake.LogLevel, format string, args ...any) {
	switch format {
	case formatNotKept, formatSession:
		w.mu.Lock()
		w.failed = true
		w.mu.Unlock()
	case formatCut:
		if w.moveAway(args) {
			return
		}
	}
	if !w.hidden(format) {
		w.Logger.Logf(level, format, args...)
	}
}

// moveAway renames the segment that kfake is about to cut, which then finds no
// file to open for it.
func (w *watch) moveAway(args []any) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(args) < 3 || w.running {
		return false
	}
	topic, ok := args[0].(string)
	number, ok2 := args[1].(int32)
	base, ok3 := args[2].(int64)
	if !ok || !ok2 || !ok3 {
		return false
	}
	s := &segment{base: base}
	path := s.path(partitionDir(w.root, topic, number))
	if err := os.Rename(path, path+awaySuffix); err != nil {
		w.err = errors.Join(w.err, fileError(path, err))
		return false
	}
	w.away = append(w.away, path)
	w.suspects[fmt.Sprintf("%s-%d", topic, number)] = true
	return true
}

// hidden reports whether a message follows from a segment that was moved away.
func (w *watch) hidden(format string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.running && len(w.away) > 0 && strings.HasPrefix(format, "partition %s-%d")
}

// opened has all be passed on from now on.
func (w *watch) opened() {
	w.mu.Lock()
	w.running = true
	w.mu.Unlock()
}

// putBack gives the segments their names again.
func (w *watch) putBack() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.err
	for _, path := range w.away {
		if renameErr := os.Rename(path+awaySuffix, path); renameErr != nil {
			err = errors.Join(err, fileError(path, renameErr))
		}
	}
	w.away = nil
	return err
}

// hasFailed reports whether the clean stop, if there was one, left something out.
func (w *watch) hasFailed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}
