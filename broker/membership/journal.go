package membership

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

const (
	// journalName is the journal's file in the broker's directory.
	journalName = "members.log"
	// compactSize is how far it grows before it is written anew, in bytes.
	compactSize = 1 << 20
)

// Journal notes the members of groups as they come and go. Its methods are safe for
// concurrent use.
type Journal struct {
	path string

	mu     sync.Mutex
	file   *os.File
	size   int64
	limit  int64
	groups groups
	err    error // the first of writing
}

// readJournal reads what was noted, up to a torn end.
func readJournal(dir string) (groups, error) {
	all := make(groups)
	data, err := os.ReadFile(filepath.Join(dir, journalName))
	if errors.Is(err, os.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the members of groups: %w", err)
	}
	for line := range bytes.Lines(data) {
		var e entry
		if json.Unmarshal(line, &e) == nil {
			all.apply(e)
		}
	}
	return all, nil
}

// openJournal begins a journal with these groups.
func openJournal(dir string, all groups) (*Journal, error) {
	j := &Journal{path: filepath.Join(dir, journalName), groups: all}
	if err := j.rewrite(); err != nil {
		return nil, err
	}
	return j, nil
}

// rewrite replaces the file by what counts. The caller holds mu, or is alone.
func (j *Journal) rewrite() error {
	var data []byte
	for _, e := range j.groups.entries() {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("note the members of groups: %w", err)
		}
		data = append(append(data, line...), '\n')
	}
	if err := replace(j.path, data); err != nil {
		return err
	}
	f, err := os.OpenFile(j.path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("note the members of groups: %w", err)
	}
	if j.file != nil {
		_ = j.file.Close() // it was replaced
	}
	j.file, j.size = f, int64(len(data))
	j.limit = max(compactSize, 2*j.size)
	return nil
}

// note adds an entry. An error is kept for Close: the broker goes on without. The
// caller holds mu.
func (j *Journal) note(e entry) {
	j.groups.apply(e)
	if j.file == nil || j.err != nil {
		return
	}
	if j.size > j.limit {
		j.err = j.rewrite() // with e
		return
	}
	line, err := json.Marshal(e)
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	j.size += int64(len(line)) + 1
	j.err = err
}

// Close ends the journal, if there is one, and returns the first error of writing it.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	err := errors.Join(j.err, j.file.Close())
	j.file = nil
	if err != nil {
		return fmt.Errorf("note the members of groups: %w", err)
	}
	return nil
}

// Seal ends the journal after the broker's clean stop: where that has left no members,
// there are none.
func (j *Journal) Seal() error {
	err := j.Close()
	if _, missing := os.Lstat(filepath.Join(filepath.Dir(j.path), sessionName)); errors.Is(missing, os.ErrNotExist) {
		err = errors.Join(err, os.Remove(j.path))
	}
	return err
}

// replace writes a file at once: a kill leaves the old one or the new.
func replace(path string, data []byte) error {
	fresh := path + ".tmp"
	if err := os.WriteFile(fresh, data, 0o600); err != nil {
		return fmt.Errorf("write the members of groups: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("write the members of groups: %w", err)
	}
	return nil
}

func appendBase64(b []byte, id topicID) []byte { return base64.StdEncoding.AppendEncode(b, id[:]) }

func decodeBase64(id *topicID, text []byte) error {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err == nil && len(raw) != len(id) {
		err = fmt.Errorf("a topic id of %d bytes", len(raw))
	}
	if err == nil {
		copy(id[:], raw)
	}
	return err
}
