package summary

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// file is where a data directory's stack leaves its summary, mode 0600, since
	// secrets are in it.
	file = "stack.json"
	// pulse is how often a running stack says by the file's time that it runs: a crash is
	// known to that precision.
	pulse = 5 * time.Second
)

// summaryFile adds what the line does not show.
type summaryFile struct {
	Summary
	Auth      string            `json:"auth"`
	Variables map[string]string `json:"variables,omitempty"`
	Services  json.RawMessage   `json:"services,omitempty"`
	Registry  string            `json:"registry,omitempty"`
	Secret    string            `json:"registrySecret,omitempty"`
	Links     []Link            `json:"links,omitempty"`
}

// Save leaves the summary in the data directory dir, and keeps the time of its file
// current until remove takes it away. Call remove once.
func (s Summary) Save(dir string) (remove func() error, err error) {
	text, err := json.Marshal(summaryFile{s, s.Auth, s.Variables, s.Services, s.Registry, s.RegistrySecret, s.Links})
	if err != nil {
		return nil, fmt.Errorf("save summary: %w", err)
	}
	name := filepath.Join(dir, file)
	if err := os.WriteFile(name+".tmp", text, 0o600); err != nil {
		return nil, fmt.Errorf("save summary: %w", err)
	}
	if err := os.Rename(name+".tmp", name); err != nil {
		return nil, fmt.Errorf("save summary: %w", err)
	}
	var beating sync.WaitGroup
	done := make(chan struct{})
	beating.Go(func() { touchPeriodically(name, done) })
	return func() error {
		close(done)
		beating.Wait()
		return os.Remove(name)
	}, nil
}

// touchPeriodically sets the file's time until done is closed.
func touchPeriodically(name string, done <-chan struct{}) {
	ticker := time.NewTicker(pulse)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-ticker.C:
			_ = os.Chtimes(name, now, now) // where it is gone, nobody reads it
		}
	}
}

// NotRunningError says that no stack runs on a data directory.
type NotRunningError struct {
	Dir string
	// Crashed is when the last stack there ended, by a crash. Zero: it ended well, or
	// there was none.
	Crashed time.Time
	PID     int // of the one that crashed
}

// Error names the directory.
func (e *NotRunningError) Error() string {
	text := "no stack is running on " + e.Dir
	if !e.Crashed.IsZero() {
		text += fmt.Sprintf(": the last one, process %d, ended by a crash at %s", e.PID, e.Crashed.Format(time.DateTime))
	}
	return text
}

// Hint is the hint shown with the error.
func (e *NotRunningError) Hint() string {
	if !e.Crashed.IsZero() {
		return "start it again with axion: what it had acknowledged is kept"
	}
	return "start one with axion, or name the directory of yours by --data DIR"
}

// NotReadyError says that a stack has a data directory and has published nothing of itself
// yet, or any more.
type NotReadyError struct {
	Dir string
	PID int // 0 where unknown
}

// Error names the directory.
func (e *NotReadyError) Error() string {
	text := "the stack on " + e.Dir
	if e.PID != 0 {
		text += fmt.Sprintf(", process %d,", e.PID)
	}
	return text + " is starting or stopping"
}

// Hint is the hint shown with the error.
func (e *NotReadyError) Hint() string { return "wait until it says that it is ready" }

// Holder reports whether a process has the lock of a data directory, and of that process
// what can be known: its instance and its id, which are zero else.
type Holder func(dir string) (held bool, instance string, pid int, err error)

// Load reads the summary of the stack on dir. What a stack left there that was killed
// is not taken for one that runs: whoever listens at its addresses now is another. The
// error is then, and where there is none, a [*NotRunningError], and a [*NotReadyError]
// while a stack starts.
func Load(dir string, holder Holder) (Summary, error) {
	name := filepath.Join(dir, file)
	text, err := os.ReadFile(name)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return Summary{}, fmt.Errorf("load summary: %w", err)
	}
	held, instance, pid, err := holder(dir)
	if err != nil {
		return Summary{}, err
	}
	if missing {
		if held {
			return Summary{}, &NotReadyError{dir, pid}
		}
		return Summary{}, &NotRunningError{Dir: dir}
	}
	var s summaryFile
	if err := json.Unmarshal(text, &s); err != nil {
		return Summary{}, fmt.Errorf("load summary %s: %w", name, err)
	}
	switch {
	case !held:
		gone := &NotRunningError{Dir: dir, PID: s.PID}
		if info, err := os.Stat(name); err == nil { // else it has just ended well
			gone.Crashed = info.ModTime()
		}
		return Summary{}, gone
	case instance != "" && instance != s.Instance: // of one that was killed
		return Summary{}, &NotReadyError{dir, pid}
	}
	found := s.Summary
	found.Auth, found.Variables, found.Services, found.Links = s.Auth, s.Variables, s.Services, s.Links
	found.Registry, found.RegistrySecret = s.Registry, s.Secret
	return found, nil
}
