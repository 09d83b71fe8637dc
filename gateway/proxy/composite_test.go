package proxy_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

// beyondMemory is a body of which a part is kept in a file.
var beyondMemory = strings.Repeat("0123456789abcdef", 5<<20/16+1)

// echo answers with the digest of the body that it gets.
func echo(status int) *flaky {
	f := newFlaky("", status)
	f.HandlerFunc = func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, digestOf(r.Body))
	}
	return f
}

func digestOf(r io.Reader) string {
	h := sha256.New()
	_, _ = io.Copy(h, r)
	return string(h.Sum(nil))
}

func post(body string) func(r *http.Request) {
	return func(r *http.Request) { r.Method, r.Body = "POST", io.NopCloser(strings.NewReader(body)) }
}

func TestMirroringBody(t *testing.T) {
	t.Parallel()
	no, zero, three, all := false, int64(0), int64(3), int64(-1)
	for name, tt := range map[string]struct {
		config config.Mirroring
		body   string
		copied string
		none   bool
	}{
		"OKWithoutBody":    {config: config.Mirroring{MirrorBody: &no}, body: "body"},
		"OKAtLimit":        {config: config.Mirroring{MaxBodySize: &three}, body: "bod", copied: "bod"},
		"OKEmptyAtNothing": {config: config.Mirroring{MaxBodySize: &zero}},
		"OKLarge":          {body: beyondMemory, copied: beyondMemory},
		"OKLargeSaid":      {config: config.Mirroring{MaxBodySize: &all}, body: beyondMemory, copied: beyondMemory},
		"ErrTooLarge":      {config: config.Mirroring{MaxBodySize: &three}, body: "body", none: true},
		"ErrNothing":       {config: config.Mirroring{MaxBodySize: &zero}, body: "b", none: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copies := make(chan string, 10)
			mirror := &flaky{HandlerFunc: func(_ http.ResponseWriter, r *http.Request) { copies <- digestOf(r.Body) }}
			tt.config.Mirrors = []config.Mirror{{Name: "copy", Percent: 100}, {Name: "second", Percent: 100}}
			m, err := proxy.NewMirroring("m", &tt.config, echo(200), []proxy.Service{mirror, mirror}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if w := ask(m, post(tt.body)); w.Body.String() != digestOf(strings.NewReader(tt.body)) {
				t.Errorf("the service got another body, status %d", w.Code)
			}
			for range map[bool]int{false: 2}[tt.none] {
				select {
				case got := <-copies:
					if got != digestOf(strings.NewReader(tt.copied)) {
						t.Error("the mirror got another body")
					}
				case <-time.After(patience):
					t.Fatal("a copy is missing")
				}
			}
			m.Close() // waits for the copies
			if len(copies) > 0 {
				t.Error("got a copy more")
			}
		})
	}
}

// Copies that are left out are named, once for many.
func TestMirroringLoss(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&locked{&mu, &said}, nil))
	release := make(chan struct{})
	mirror := &flaky{HandlerFunc: func(http.ResponseWriter, *http.Request) { <-release }}
	m, err := proxy.NewMirroring("m", &config.Mirroring{Mirrors: []config.Mirror{{Name: "copy", Percent: 100}}}, echo(200),
		[]proxy.Service{mirror}, log)
	if err != nil {
		t.Fatal(err)
	}
	for range 256 {
		ask(m)
	}
	if said.Len() > 0 {
		t.Errorf("said too early: %s", said.String())
	}
	for range 3 {
		ask(m)
	}
	close(release)
	m.Close()
	if got := said.String(); strings.Count(got, "not mirrored") != 1 || !strings.Contains(got, "mirror=copy") {
		t.Errorf("got %q", got)
	}
}

// locked is a writer for several goroutines.
type locked struct {
	mu *sync.Mutex
	io.Writer
}

// Write writes alone.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Writer.Write(p)
}

func TestFailoverBody(t *testing.T) {
	t.Parallel()
	three, all := int64(3), int64(-1)
	for name, tt := range map[string]struct {
		limit  *int64
		body   string
		status int
	}{
		"OKAtLimit":   {&three, "bod", 201},
		"OKLarge":     {nil, beyondMemory, 201},
		"OKLargeSaid": {&all, beyondMemory, 201},
		"OKEmpty":     {&three, "", 201},
		"ErrTooLarge": {&three, "body", 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			main := echo(503)
			f, err := proxy.NewFailover("f",
				&config.Failover{Errors: &config.FailoverErrors{Status: []string{"503"}, MaxRequestBodyBytes: tt.limit}},
				main, echo(201))
			if err != nil {
				t.Fatal(err)
			}
			w := ask(f, post(tt.body))
			if w.Code != tt.status || tt.status == 201 && w.Body.String() != digestOf(strings.NewReader(tt.body)) {
				t.Errorf("got %d", w.Code)
			}
		})
	}
}
