package explorer

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// maxFilter bounds each part of a [Filter], in bytes.
const maxFilter = 512

// Filter says which records are wanted: those that fit all of it. The zero
// value wants every record.
type Filter struct {
	// Key and Text must be in the key, and in the key, the value or a header's
	// value. Case does not count.
	Key, Text string
	// Header is NAME for records with that header, or NAME=TEXT for those whose
	// header of that name has the text in it. Case does not count.
	Header string
	// Path is an RFC 9535 JSONPath, of names, indexes, wildcards and one filter, that
	// selects something in the value, or one with a comparison: $.price > 10. It fits no
	// value above 256 KiB, or above 32 KiB where it has a filter.
	Path string
	// Since and Until bound the record's time, both included. Zero does not.
	Since, Until time.Time
}

// FilterError says which part of a [Filter] cannot be used, and why.
type FilterError struct{ Part, Reason string }

func (e *FilterError) Error() string { return e.Part + ": " + e.Reason }

// matcher is a filter that has been read.
type matcher struct {
	key, text          []byte
	header, headerText []byte
	path               *path
	since, until       time.Time
}

// compile reads the filter. Its error is a [FilterError].
func (f Filter) compile() (*matcher, error) {
	for part, text := range map[string]string{"key": f.Key, "text": f.Text, "header": f.Header, "path": f.Path} {
		if len(text) > maxFilter {
			return nil, &FilterError{part, fmt.Sprintf("%d bytes, must be at most %d", len(text), maxFilter)}
		}
	}
	if !f.Until.IsZero() && f.Until.Before(f.Since) {
		return nil, &FilterError{"until", "is before the time to begin at"}
	}
	m := &matcher{key: lower(f.Key), text: lower(f.Text), since: f.Since, until: f.Until}
	name, text, _ := strings.Cut(f.Header, "=")
	m.header, m.headerText = lower(strings.TrimSpace(name)), lower(text)
	if f.Header != "" && len(m.header) == 0 {
		return nil, &FilterError{"header", "begins with the header's name: NAME or NAME=TEXT"}
	}
	if strings.TrimSpace(f.Path) == "" {
		return m, nil
	}
	var err error
	if m.path, err = parsePath(f.Path); err != nil {
		return nil, &FilterError{"path", err.Error()}
	}
	return m, nil
}

func lower(text string) []byte { return []byte(strings.ToLower(text)) }

// match reports whether r fits. What costs the most is looked at last.
func (m *matcher) match(r *kgo.Record) bool {
	switch {
	case !m.since.IsZero() && r.Timestamp.Before(m.since), !m.until.IsZero() && r.Timestamp.After(m.until):
		return false
	case len(m.key) > 0 && !holds(r.Key, m.key):
		return false
	case len(m.header) > 0 && !m.inHeader(r):
		return false
	case len(m.text) > 0 && !m.inText(r):
		return false
	}
	return m.path == nil || m.path.match(r.Value)
}

// holds reports whether content has the lower-case text in it.
func holds(content, text []byte) bool { return bytes.Contains(bytes.ToLower(content), text) }

func (m *matcher) inHeader(r *kgo.Record) bool {
	for _, h := range r.Headers {
		if strings.EqualFold(h.Key, string(m.header)) && holds(h.Value, m.headerText) {
			return true
		}
	}
	return false
}

func (m *matcher) inText(r *kgo.Record) bool {
	if holds(r.Key, m.text) || holds(r.Value, m.text) {
		return true
	}
	for _, h := range r.Headers {
		if holds(h.Value, m.text) {
			return true
		}
	}
	return false
}
