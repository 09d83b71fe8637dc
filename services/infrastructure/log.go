package infrastructure

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/DeRuina/timberjack"
)

const (
	maxLogMB   = 1       // of one file, of which there are two
	maxLine    = 8 << 10 // bytes; a longer line is cut into several
	tailLines  = 10      // that an error quotes
	tailLength = 2 << 10 // bytes of them
	logSuffix  = ".log"
)

// logFile writes the output of processes to a file, line by line with the time. It is
// bounded: the oldest lines are dropped.
type logFile struct {
	file *timberjack.Logger

	mu   sync.Mutex
	rest []byte // of a line that has not ended
	last []string
}

// logs are the projects' logs. It is safe for concurrent use.
type logs struct {
	dir string

	mu   sync.Mutex
	open map[string]*logFile // by project id
}

// path returns the file of a project's log.
func (l *logs) path(projectID string) string { return filepath.Join(l.dir, projectID+logSuffix) }

// of returns a project's log, which all its processes share.
func (l *logs) of(projectID string) *logFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[projectID] == nil {
		l.open[projectID] = newLog(l.path(projectID))
	}
	return l.open[projectID]
}

// remove removes a project's log.
func (l *logs) remove(projectID string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if log := l.open[projectID]; log != nil {
		log.close()
		delete(l.open, projectID)
	}
	return removeLog(l.path(projectID))
}

// close closes all logs.
func (l *logs) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, log := range l.open {
		log.close()
	}
}

// newLog returns the log in a file.
func newLog(name string) *logFile {
	return &logFile{file: &timberjack.Logger{Filename: name, MaxSize: maxLogMB, MaxBackups: 1}}
}

// Write implements [io.Writer]. What cannot be written is lost: the process does not wait.
func (l *logFile) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, text...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		next := end + 1
		if end < 0 || end > maxLine {
			if len(l.rest) <= maxLine {
				return len(text), nil
			}
			end, next = maxLine, maxLine
		}
		l.line(string(l.rest[:end]))
		l.rest = slices.Delete(l.rest, 0, next)
	}
}

// note adds a line of axion's own.
func (l *logFile) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line("[axion] " + text)
}

// line adds a line.
func (l *logFile) line(text string) {
	text = strings.ToValidUTF8(strings.TrimRight(text, "\r"), "\uFFFD")
	if l.last = append(l.last, text); len(l.last) > tailLines {
		l.last = l.last[1:]
	}
	_, _ = l.file.Write([]byte(time.Now().UTC().Format(time.RFC3339Nano) + " " + text + "\n"))
}

// tail returns the last lines, for an error.
func (l *logFile) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.Join(l.last, "\n")
	if len(text) > tailLength {
		text = "…" + strings.ToValidUTF8(text[len(text)-tailLength:], "")
	}
	return text
}

// close closes the file; a later line opens it again.
func (l *logFile) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.line(string(l.rest))
		l.rest = nil
	}
	_ = l.file.Close()
}

// readLog returns the last lines of a log, at most n, oldest first.
func readLog(name string, n int) (lines []string, err error) {
	older, err := backups(name)
	if err != nil {
		return nil, err
	}
	for _, file := range append(older, name) {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines[max(0, len(lines)-n):], nil
}

// backups lists a log's earlier files, oldest first.
func backups(name string) ([]string, error) {
	found, err := filepath.Glob(strings.TrimSuffix(name, logSuffix) + "-2*" + logSuffix)
	slices.Sort(found)
	return found, err
}

// removeLog removes a log with its backups.
func removeLog(name string) error {
	older, err := backups(name)
	for _, file := range append(older, name) {
		if failed := os.Remove(file); !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return err
}
