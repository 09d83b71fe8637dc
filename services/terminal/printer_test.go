package terminal

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"axion/web/view"
)

// project is a [Project] whose services a test sets.
type project struct {
	mu      sync.Mutex
	all     []view.Service
	changed chan struct{}
}

func newProject(all ...view.Service) *project {
	return &project{all: all, changed: make(chan struct{})}
}

func (p *project) Services() []view.Service {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]view.Service{}, p.all...)
}

func (p *project) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

func (p *project) StopGrace(string) time.Duration { return 10 * time.Second }

// set changes a service, and waits until that is shown.
func (p *project) set(i int, change func(*view.Service)) {
	p.mu.Lock()
	change(&p.all[i])
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	time.Sleep(2 * settleTime)
	synctest.Wait()
}

func waiting(name, detail string) view.Service {
	return view.Service{Name: name, Provider: "process", State: view.ServiceWaiting, Detail: detail}
}

// printed runs a printer in a bubble, and returns what it writes and logs.
func printed(t *testing.T, colored, asJSON bool, args []string, p *project, do func(pr *Printer, stop func())) string {
	t.Helper()
	var out buffer
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		}}))
		pr := NewPrinter(flagsOf(t, args...), &out, &out, asJSON, log)
		pr.color = colored
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		p.changed = make(chan struct{}) // of this bubble
		pr.Start(ctx, p)
		time.Sleep(2 * settleTime)
		synctest.Wait()
		do(pr, stop)
		synctest.Wait()
		if err := pr.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return out.String()
}

func same(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestPrinter: a service's lines have its name; what it does is said as it changes.
func TestPrinter(t *testing.T) {
	t.Parallel()
	p := newProject(view.Service{Name: "kafka", Provider: byAxion, State: view.ServiceRunning}, waiting("orders", "waits for db to run"),
		view.Service{Name: "mongo", Provider: "yours", State: view.ServiceWaiting, Detail: "nothing here provides mongo:7",
			Hint: "start it on 27017"},
		view.Service{Name: "db", Provider: "provided", State: view.ServiceStarting})
	got := printed(t, false, false, nil, p, func(pr *Printer, _ func()) {
		p.set(3, func(s *view.Service) { s.Detail = "PostgreSQL is fetched: 1 MB" })
		p.set(3, func(s *view.Service) { s.Detail = "PostgreSQL is fetched: 2 MB" })
		p.set(3, func(s *view.Service) { s.Detail = "PostgreSQL is fetched: 3 MB" })
		time.Sleep(detailTime)
		p.set(3, func(s *view.Service) {
			s.State, s.Detail, s.Ports = view.ServiceRunning, "", []view.ServicePort{{Port: 5432, Address: "127.0.0.1:5432"}}
		})
		pr.Print(Line{"db", time.Time{}, "stderr", "ready \x1b[32mnow\x1b[0m\x1b[2J"})
		pr.Print(Line{"orders", time.Time{}, "stdout", ""})
		synctest.Wait()
		p.set(1, func(s *view.Service) { s.State, s.Detail = view.ServiceFailed, "status 1" })
		p.set(1, func(s *view.Service) { s.State, s.Detail = view.ServiceUnhealthy, "GET /health: 503" })
		p.set(1, func(s *view.Service) { s.State, s.Detail = view.ServiceStopped, "" })
		pr.Print(Line{"a-longer-name", time.Time{}, "stdout", "last"})
	})
	same(t, got, `
kafka  › running: axion itself
orders › waits for db to run
mongo  › nothing here provides mongo:7
mongo  › hint: start it on 27017
db     › PostgreSQL is fetched: 1 MB
db     › PostgreSQL is fetched: 3 MB
db     › running at 127.0.0.1:5432
db     | ready now
orders | 
orders › unhealthy: GET /health: 503
orders › stopped
a-longer-name | last
`)
}

// TestPrinterColor: a name has its colour, and a line those that its service gives it.
func TestPrinterColor(t *testing.T) {
	t.Parallel()
	p := newProject(waiting("orders", "waits for db to run"))
	got := printed(t, true, false, nil, p, func(pr *Printer, _ func()) {
		pr.Print(Line{"orders", time.Time{}, "stdout", "a \x1b[31mred\x1b]0;x\a word"})
	})
	same(t, got, "\x1b[32morders\x1b[0m\x1b[2m ›\x1b[0m \x1b[2mwaits for db to run\x1b[0m\n"+
		"\x1b[32morders\x1b[0m\x1b[2m |\x1b[0m a \x1b[31mred word\x1b[0m\n")
}

// TestPrinterJSON: lines and states are objects.
func TestPrinterJSON(t *testing.T) {
	t.Parallel()
	p := newProject(waiting("orders", "waits for db to run"))
	got := printed(t, true, true, nil, p, func(pr *Printer, _ func()) {
		pr.Print(Line{"orders", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "stdout", "a\x1b[2J\"b\""})
		synctest.Wait()
		p.set(0, func(s *view.Service) { s.State, s.Detail, s.Hint = view.ServiceFailed, "no node", "install it" })
	})
	same(t, got, `
{"service":"orders","time":"2000-01-01T00:00:00Z","state":"waiting","detail":"waits for db to run"}
{"service":"orders","time":"2026-01-02T03:04:05Z","stream":"stdout","line":"a\u001b[2J\"b\""}
{"service":"orders","time":"2000-01-01T00:00:00.15Z","state":"failed","detail":"no node","hint":"install it"}
`)
}

// TestPrinterStop: a stop says what it waits for, at once and when that has changed.
func TestPrinterStop(t *testing.T) {
	t.Parallel()
	running := func(name string, pid int) view.Service {
		return view.Service{Name: name, Provider: "process", State: view.ServiceRunning, Instances: []view.ServiceInstance{{PID: pid}}}
	}
	p := newProject(running("db", 1), running("orders", 2), running("none", 0))
	got := printed(t, false, false, []string{"--quiet"}, p, func(pr *Printer, stop func()) {
		pr.Print(Line{"db", time.Time{}, "stdout", "quiet"})
		stop()
		synctest.Wait()
		p.set(1, func(s *view.Service) { s.Instances[0].PID = 0 })
		time.Sleep(stopReportTime)
		p.set(2, func(s *view.Service) { s.State = view.ServiceStopped })
		p.set(0, func(s *view.Service) { s.Instances[0].PID = 0 })
	})
	same(t, got, `
msg="stopping: waits for db (10 s), orders (10 s)" hint="Ctrl-C again ends all at once"
msg="stopping: waits for db (10 s)"
`)
}

// TestPrinterBlocked: a screen that takes nothing makes nobody wait, and what is too much is
// counted.
func TestPrinterBlocked(t *testing.T) {
	t.Parallel()
	out, in := io.Pipe()
	pr := NewPrinter(new(Flags), in, in, false, slog.New(slog.DiscardHandler))
	pr.Start(t.Context(), newProject())
	for i := range 3 * maxQueued {
		pr.Print(Line{Service: "orders", Text: fmt.Sprint(i)})
	}
	closed := time.Now()
	if err := pr.Close(t.Context()); err != nil || time.Since(closed) < closeTimeout/2 {
		t.Errorf("Close: %v, after %s", err, time.Since(closed))
	}
	read := make(chan string)
	go func() {
		text, _ := io.ReadAll(out)
		read <- string(text)
	}()
	pr.wg.Wait()
	_ = in.Close()
	if text := <-read; !strings.HasPrefix(text, "orders | 0\n") || !strings.Contains(text, "lines left out: they came too fast\n") {
		t.Errorf("got %.200s", text)
	}
}
