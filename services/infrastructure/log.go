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

// logFile takes what a process says, line by line with the time. It is bounded:
// the oldest lines go.
type logFile struct {
	file *timberjack.Logger

	mu   sync.Mutex
	rest []byte // of a line that has not ended
	last []string
}

func (r *runtimes) logFile(projectID string) string {
	return filepath.Join(r.dir, "logs", projectID+logSuffix)
}

// openLog gives a project's log, which all its processes share.
func (r *runtimes) openLog(projectID string) *logFile {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.logs[projectID] == nil {
		r.logs[projectID] = newLog(r.logFile(projectID))
	}
	return r.logs[projectID]
}

func newLog(name string) *logFile {
	return &logFile{file: &timberjack.Logger{Filename: name, MaxSize: maxLogMB, MaxBackups: 1}}
}

// dropLog removes a project's log.
func (r *runtimes) dropLog(projectID string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if log := r.logs[projectID]; log != nil {
		log.close()
		delete(r.logs, projectID)
	}
	return removeLog(r.logFile(projectID))
}

// Write implements [io.Writer]. What cannot be kept is lost: the process does
// not wait for it.
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

// note adds a line of our own.
func (l *logFile) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line("[axion] " + text)
}

func (l *logFile) line(text string) {
	text = strings.ToValidUTF8(strings.TrimRight(text, "\r"), "\uFFFD")
	if l.last = append(l.last, text); len(l.last) > tailLines {
		l.last = l.last[1:]
	}
	_, _ = l.file.Write([]byte(time.Now().UTC().Format(time.RFC3339Nano) + " " + text + "\n"))
}

// tail quotes the last lines.
func (l *logFile) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.Join(l.last, "\n")
	if len(text) > tailLength {
		text = "…" + strings.ToValidUTF8(text[len(text)-tailLength:], "")
	}
	return text
}

func (l *logFile) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.line(string(l.rest))
		l.rest = nil
	}
	_ = l.file.Close()
}

// readLog gives the last lines of a log, at most n, oldest first.
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

// backups are a log's earlier files, oldest first.
func backups(name string) ([]string, error) {
	found, err := filepath.Glob(strings.TrimSuffix(name, logSuffix) + "-2*" + logSuffix)
	slices.Sort(found)
	return found, err
}

func removeLog(name string) error {
	older, err := backups(name)
	for _, file := range append(older, name) {
		if failed := os.Remove(file); !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return err
}
