package observe

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"axion/gateway/config"
)

const (
	// separator ends each value of a joined list. No header can hold it.
	separator = "\x00"
	// maxHeaderValue bounds the bytes of a header's value that is a label.
	maxHeaderValue = 64
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

// labelName is what Prometheus takes for a label's name; those that begin with two
// underscores are its own.
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

var reservedLabels = []string{"code", "method", "protocol", "entrypoint", "router", "service"}

// CheckMetrics tells what is wrong with the settings of metrics: with these nothing
// can be counted. Nil is fine.
func CheckMetrics(c *config.Metrics) error {
	if c == nil || c.Prometheus == nil {
		return nil
	}
	for i, b := range c.Prometheus.Buckets {
		if math.IsNaN(b) || i > 0 && b <= c.Prometheus.Buckets[i-1] {
			return errors.New("metrics.prometheus.buckets are to be numbers that grow")
		}
	}
	for _, label := range slices.Sorted(maps.Keys(c.Prometheus.HeaderLabels)) {
		switch {
		case !labelName.MatchString(label) || strings.HasPrefix(label, "__"):
			return fmt.Errorf("metrics.prometheus.headerlabels: %q cannot be a label's name: it may have letters, digits and underscores", label)
		case slices.Contains(reservedLabels, label):
			return fmt.Errorf("metrics.prometheus.headerlabels: the label %q is there already", label)
		case c.Prometheus.HeaderLabels[label] == "":
			return fmt.Errorf("metrics.prometheus.headerlabels: the label %q names no header", label)
		}
	}
	return nil
}
