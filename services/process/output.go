package process

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/DeRuina/timberjack"
)

const (
	maxFileMB  = 10       // of one file, of which there are two
	maxLine    = 16 << 10 // bytes; a longer line is cut into several
	tailLines  = 10
	tailLength = 2 << 10 // bytes
)

// Line is a line that a process has written.
type Line struct {
	Time   time.Time
	Stream string // stdout or stderr
	Text   string // valid UTF-8, without its end; it may have colours
}

// Output is what a process writes: it is kept in a file, line by line with the time, and
// passed on. It is safe for concurrent use.
type Output struct {
	file *timberjack.Logger
	pass func(Line)

	mu       sync.Mutex
	last     []string
	expected string        // a text of a line that is waited for
	seen     chan struct{} // closed when it has come; nil while nobody waits
}

// NewOutput returns the output that is kept in a file, which only this user may read: at
// 10 MB it is renamed, and of those one is kept. pass is called with each line, in order; it
// must not wait.
func NewOutput(file string, pass func(Line)) *Output {
	return &Output{file: &timberjack.Logger{Filename: file, MaxSize: maxFileMB, MaxBackups: 1, FileMode: 0o600}, pass: pass}
}

// expect returns a channel that is closed at the next line that has a text.
func (o *Output) expect(text string) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expected, o.seen = text, make(chan struct{})
	return o.seen
}

// begin forgets the last lines: those of a process are not those of the one before.
func (o *Output) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = nil
}

// Tail returns the last lines of the process that runs, or ran last.
func (o *Output) Tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := strings.Join(o.last, "\n")
	if len(text) > tailLength {
		text = "…" + strings.ToValidUTF8(text[len(text)-tailLength:], "")
	}
	return text
}

// Close closes the file.
func (o *Output) Close() error { return o.file.Close() }

func (o *Output) add(stream, text string) {
	line := Line{time.Now(), stream, strings.ToValidUTF8(strings.TrimRight(text, "\r"), "\uFFFD")}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last = append(o.last, line.Text); len(o.last) > tailLines {
		o.last = slices.Delete(o.last, 0, 1)
	}
	if o.seen != nil && strings.Contains(line.Text, o.expected) {
		close(o.seen)
		o.seen = nil
	}
	_, _ = o.file.Write([]byte(line.Time.UTC().Format(time.RFC3339Nano) + " " + line.Text + "\n")) // the process does not wait
	o.pass(line)
}

// stream splits one stream into lines.
type stream struct {
	output *Output
	name   string
	mu     sync.Mutex
	rest   []byte // of a line that has not ended
}

// Write implements [io.Writer]. It does not fail.
func (s *stream) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, text...)
	for {
		end := bytes.IndexByte(s.rest, '\n')
		next := end + 1
		if end < 0 || end > maxLine {
			if len(s.rest) <= maxLine {
				return len(text), nil
			}
			end, next = maxLine, maxLine
		}
		s.output.add(s.name, string(s.rest[:end]))
		s.rest = slices.Delete(s.rest, 0, next)
	}
}

// flush adds what has no end of line.
func (s *stream) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rest) > 0 {
		s.output.add(s.name, string(s.rest))
		s.rest = nil
	}
}
