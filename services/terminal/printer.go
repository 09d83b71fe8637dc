package terminal

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"axion/web/view"
)

const (
	// maxQueued bounds the lines that wait to be written: of those that come faster some are left out.
	maxQueued = 10_000
	maxName   = 24 // characters that names of services are padded to
	// closeTimeout is how long the last lines may take. A pipe that nobody reads takes none.
	closeTimeout = time.Second
)

// Line is a line that a service has written.
type Line struct {
	Service string    `json:"service"`
	Time    time.Time `json:"time"`
	Stream  string    `json:"stream"` // stdout or stderr
	Text    string    `json:"line"`
}

// Project is the services of a compose file.
type Project interface {
	// Services is what is known of each now.
	Services() []view.Service
	// Changed is closed when that changes.
	Changed() <-chan struct{}
	// StopGrace is how long a service may take to end.
	StopGrace(service string) time.Duration
}

// Printer writes what services do and write, each line with the name of its service. It is
// safe for concurrent use.
type Printer struct {
	flags   *Flags
	screen  Screen
	json    bool
	log     *slog.Logger
	color   bool
	queue   chan Line
	leftOut atomic.Int64
	ended   chan struct{}
	close   func()
	wg      sync.WaitGroup

	// Of the goroutine that writes:
	width int // of the longest name so far
	known map[string]shown
	names map[string]string // in their colours
}

// NewPrinter returns a printer that keeps lines until Start. It writes to out or, where asJSON is
// set and out belongs to the stack's own line, objects to err: {"service","time","stream","line"}
// of what a service writes, and {"service","time","state","detail","hint"} of what it does.
// log receives what a stop waits for.
func NewPrinter(f *Flags, out, err io.Writer, asJSON bool, log *slog.Logger) *Printer {
	if asJSON {
		out = err
	}
	screen := Open(out)
	p := &Printer{
		flags: f, screen: screen, json: asJSON, log: log, color: f.color(screen),
		queue: make(chan Line, maxQueued), ended: make(chan struct{}), known: map[string]shown{}, names: map[string]string{},
	}
	p.close = sync.OnceFunc(func() { close(p.ended) })
	return p
}

// Print has a line written. It does not wait.
func (p *Printer) Print(l Line) {
	if p.flags.Quiet {
		return
	}
	select {
	case p.queue <- l:
	default:
		p.leftOut.Add(1)
	}
}

// Start writes lines, and what the services of a project do, until Close. When ctx ends it says
// what its end waits for.
func (p *Printer) Start(ctx context.Context, project Project) {
	for _, s := range project.Services() {
		p.width = max(p.width, min(len(s.Name), maxName))
	}
	p.wg.Go(func() { p.run(ctx, project) })
}

// Close writes what is left, which may take a second.
func (p *Printer) Close(ctx context.Context) error {
	p.close()
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	written := make(chan struct{})
	go func() { p.wg.Wait(); close(written) }()
	select {
	case <-written:
	case <-ctx.Done():
	}
	return nil
}

// run is the goroutine that writes.
func (p *Printer) run(ctx context.Context, project Project) {
	stop := stopping{project: project, log: p.log}
	stopped := ctx.Done()
	again := time.NewTimer(0) // to look at the services
	defer again.Stop()
	for {
		changed := project.Changed()
		select {
		case l := <-p.queue:
			p.write(p.batch(l))
		case <-again.C:
			if wait := p.states(project.Services(), time.Now()); wait > 0 {
				again.Reset(wait)
			}
			stop.report(time.Now())
		case <-changed:
			again.Reset(settleTime)
		case <-stopped:
			stopped = nil
			if p.screen.terminal {
				p.write("\r") // before the ^C that it shows
			}
			stop.begin()
			again.Reset(0)
		case <-p.ended:
			p.states(project.Services(), time.Now())
			p.write(p.batch())
			return
		}
	}
}

// batch takes what is queued behind the first lines.
func (p *Printer) batch(first ...Line) string {
	var b strings.Builder
	for _, l := range first {
		b.WriteString(p.line(l))
	}
	for range maxQueued {
		select {
		case l := <-p.queue:
			b.WriteString(p.line(l))
			continue
		default:
		}
		break
	}
	if n := p.leftOut.Swap(0); n > 0 && !p.json {
		fmt.Fprintf(&b, "… %d lines left out: they came too fast\n", n)
	}
	return b.String()
}

func (p *Printer) write(text string) {
	if text != "" {
		_, _ = p.screen.Write([]byte(text)) // there is nobody to tell
	}
}

// line is a line as it is shown.
func (p *Printer) line(l Line) string {
	if p.json {
		l.Time = l.Time.UTC()
		return object(l)
	}
	return p.prefix(l.Service, "|") + clean(l.Text, p.color) + "\n"
}

func object(of any) string {
	text, err := json.Marshal(of)
	if err != nil {
		return ""
	}
	return string(text) + "\n"
}

// prefix is what lines of a service begin with.
func (p *Printer) prefix(service, mark string) string {
	if len(service) > p.width && len(service) <= maxName {
		p.width = len(service)
		clear(p.names)
	}
	name, ok := p.names[service]
	if !ok {
		name = paint(p.color, nameColor(service), fmt.Sprintf("%-*s", p.width, clean(service, false)))
		p.names[service] = name
	}
	return name + paint(p.color, dim, " "+mark) + " "
}

// nameColors tell services apart. Red is for errors.
var nameColors = []string{cyan, "\x1b[35m", "\x1b[34m", yellow, green, "\x1b[96m", "\x1b[95m", "\x1b[94m"}

// nameColor is the same for the same name.
func nameColor(name string) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(name))
	return nameColors[int(sum.Sum32()%uint32(len(nameColors)))]
}

// stopping says what the end of a project waits for.
type stopping struct {
	project Project
	log     *slog.Logger
	began   bool
	said    string
	at      time.Time
}

// stopReportTime is between two reports.
const stopReportTime = 2 * time.Second

func (s *stopping) begin() {
	s.began = true
	s.report(time.Now())
}

// report says what is waited for, where that has changed and was not said just before.
func (s *stopping) report(now time.Time) {
	if !s.began || now.Sub(s.at) < stopReportTime {
		return
	}
	var waits []string
	for _, service := range s.project.Services() {
		if slices.ContainsFunc(service.Instances, func(i view.ServiceInstance) bool { return i.PID != 0 }) {
			waits = append(waits, fmt.Sprintf("%s (%s)", service.Name, seconds(s.project.StopGrace(service.Name))))
		}
	}
	text := "stopping: waits for " + strings.Join(waits, ", ")
	switch {
	case len(waits) == 0 || text == s.said:
		return
	case s.said == "":
		s.log.Info(text, "hint", "Ctrl-C again ends all at once")
	default:
		s.log.Info(text)
	}
	s.said, s.at = text, now
}

// seconds is a duration in seconds, "10 s".
func seconds(d time.Duration) string {
	return fmt.Sprintf("%g s", d.Round(100*time.Millisecond).Seconds())
}
