package observe

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const (
	// separator ends each value of a joined list. No header can hold it.
	separator = "\x00"
	// maxHeaderValue bounds the bytes of a header's value that is a label. A longer one
	// ends in the mark cut, so that it is not taken for a whole one.
	maxHeaderValue = 256
	cut            = "…"
	// maxHeaderSets bounds how many different values there are in all, as every one
	// makes series: clients choose them. Those beyond are counted under overflow.
	maxHeaderSets = 1000
	overflow      = "overflow"
)

// headerLabels are the headers of requests whose values are labels.
type headerLabels struct {
	labels, headers []string // of one order

	mu   sync.Mutex
	seen map[string]bool
}

func newHeaderLabels(c map[string]string) *headerLabels {
	l := &headerLabels{labels: slices.Sorted(maps.Keys(c)), seen: map[string]bool{}}
	for _, label := range l.labels {
		l.headers = append(l.headers, http.CanonicalHeaderKey(c[label]))
	}
	return l
}

// of joins the values in h; it is empty where no header is a label.
func (l *headerLabels) of(h http.Header) string {
	if len(l.headers) == 0 {
		return ""
	}
	var b strings.Builder
	for _, name := range l.headers {
		value := h.Get(name)
		b.WriteString(strings.ToValidUTF8(value[:min(len(value), maxHeaderValue)], ""))
		if len(value) > maxHeaderValue {
			b.WriteString(cut)
		}
		b.WriteString(separator)
	}
	joined := b.String()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[joined] {
		return joined
	}
	if len(l.seen) >= maxHeaderSets {
		return strings.Repeat(overflow+separator, len(l.headers))
	}
	l.seen[joined] = true
	return joined
}

// split undoes the joining.
func split(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(joined, separator), separator)
}
