package observe

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"axion/gateway/config"
	"axion/gateway/within"
)

// The formats of an access log.
const (
	formatCommon  = "common"
	formatJSON    = "json"
	formatGeneric = "genericCLF" // the Common Log Format without what Traefik adds
)

// accessLog writes a line for each request that its filters keep.
type accessLog struct {
	config      config.AccessLog
	keep        func(status, retries int, took time.Duration) bool
	modes       modes // of fields
	headerModes modes
	headers     bool // any header is reported
	total       *atomic.Int64

	mu     sync.Mutex // one line at a time
	to     io.Writer
	buffer []byte
}

// openLog starts, changes or ends the access log.
func (o *Observer) openLog(c *config.AccessLog) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c == nil {
		o.access.Store(nil)
		return o.closeFile("")
	}
	keep, err := filter(c.Filters)
	if err != nil {
		return err
	}
	if c.Format != "" && c.Format != formatCommon && c.Format != formatJSON && c.Format != formatGeneric {
		return fmt.Errorf("accesslog.format %q is not common, json or genericCLF", c.Format)
	}
	to := o.output
	if c.FilePath != "" && c.FilePath != o.path {
		file, err := openFile(c)
		if err != nil {
			return fmt.Errorf("open the access log: %w", err)
		}
		defer func() { o.file, o.path = file, c.FilePath }()
		to = file
	} else if c.FilePath != "" {
		to = o.file
	}
	was := o.access.Swap(newAccessLog(*c, keep, to, &o.logged))
	if was != nil {
		was.mu.Lock() // a line that is being written
		defer was.mu.Unlock()
	}
	return o.closeFile(c.FilePath)
}

func newAccessLog(c config.AccessLog, keep func(int, int, time.Duration) bool, to io.Writer, total *atomic.Int64) *accessLog {
	l := &accessLog{config: c, keep: keep, to: to, total: total}
	fields := config.AccessLogFields{}
	if c.Fields != nil {
		fields = *c.Fields
	}
	headers := config.AccessLogHeaders{}
	if fields.Headers != nil {
		headers = *fields.Headers
	}
	l.modes, l.headerModes = newModes("keep", fields.DefaultMode, fields.Names), newModes("drop", headers.DefaultMode, headers.Names)
	l.headers = c.Format == formatJSON && l.headerModes.keepsAny()
	return l
}

func openFile(c *config.AccessLog) (*os.File, error) {
	if c.Root != "" {
		return within.Append(c.Root, c.FilePath)
	}
	return os.OpenFile(c.FilePath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// closeFile closes the file unless it is the one wanted. The caller holds mu.
func (o *Observer) closeFile(wanted string) error {
	if o.file == nil || o.path == wanted {
		return nil
	}
	err := o.file.Close()
	o.file, o.path = nil, ""
	return err
}

// filter keeps what any of the filters asks for; without any it keeps all.
func filter(c *config.AccessLogFilters) (func(int, int, time.Duration) bool, error) {
	if c == nil || len(c.StatusCodes) == 0 && !c.RetryAttempts && c.MinDuration == 0 {
		return func(int, int, time.Duration) bool { return true }, nil
	}
	ranges, err := statusRanges(c.StatusCodes)
	if err != nil {
		return nil, err
	}
	return func(status, retries int, took time.Duration) bool {
		if c.RetryAttempts && retries > 0 || c.MinDuration > 0 && took >= time.Duration(c.MinDuration) {
			return true
		}
		for _, r := range ranges {
			if status >= r[0] && status <= r[1] {
				return true
			}
		}
		return false
	}, nil
}

// statusRanges reads statuses and ranges of them, such as 404 and 500-599.
func statusRanges(texts []string) ([][2]int, error) {
	var ranges [][2]int
	for _, text := range texts {
		low, high, ok := strings.Cut(text, "-")
		if !ok {
			high = low
		}
		from, err := strconv.Atoi(strings.TrimSpace(low))
		to, err2 := strconv.Atoi(strings.TrimSpace(high))
		if err != nil || err2 != nil {
			return nil, fmt.Errorf("accesslog.filters.statuscodes %q is not a status or a range such as 500-599", text)
		}
		ranges = append(ranges, [2]int{from, to})
	}
	return ranges, nil
}

func (l *accessLog) write(e *Exchange, took time.Duration) {
	if !l.config.AddInternals && internal(e.service) {
		return
	}
	count := l.total.Add(1)
	if !l.keep(e.status, e.retries, took) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.config.Format == formatJSON {
		line, err := json.Marshal(l.fields(e, took, count))
		if err != nil {
			return
		}
		l.buffer = append(append(l.buffer[:0], line...), '\n')
	} else {
		l.buffer = l.common(l.buffer[:0], e, took, count)
	}
	_, _ = l.to.Write(l.buffer) // there is nowhere to complain to for each request
}

func quoted(b []byte, text string) []byte {
	if text == "" {
		text = "-"
	}
	return strconv.AppendQuote(b, bounded(text))
}

// clean keeps what a client sends from ending a line or a field.
func clean(text string) string {
	if text == "" {
		return "-"
	}
	q := strconv.Quote(bounded(text))
	return strings.ReplaceAll(q[1:len(q)-1], " ", "_")
}

// clientHost is the client's address, as trusted peers say it where there are some.
func clientHost(e *Exchange) string {
	if e.detail != nil && e.detail.client != "" {
		return e.detail.client
	}
	host, _ := splitPort(e.request.RemoteAddr)
	return host
}

// user is who was let in, or who the client says that it is.
func user(e *Exchange) string {
	if e.user != "" {
		return e.user
	}
	name, _, _ := e.request.BasicAuth()
	return name
}
