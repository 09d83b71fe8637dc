package proxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"axion/gateway/cancellation"
	"axion/gateway/config"
	"axion/gateway/spool"
	"axion/gateway/steady"
)

const (
	// maxCopies bounds the copies under way of one service.
	maxCopies = 256
	// lossInterval is how often it is logged that copies are left out.
	lossInterval = time.Minute
)

// mirroring sends copies of requests to further services.
type mirroring struct {
	compositeBase
	config  *config.Mirroring
	mirrors []*mirror
	limit   int64 // bytes that a mirrored body may have; negative means any
	log     *slog.Logger
	sending chan struct{}   // bounds the copies under way
	life    context.Context // of copies; ended by Close
	end     context.CancelFunc
	copies  sync.WaitGroup
	loss    atomic.Int64 // when a loss was logged last, in Unix nanoseconds
}

// mirror gets its share of the requests.
type mirror struct {
	Service
	name    string
	percent uint64
	seen    atomic.Uint64
}

// NewMirroring answers from main, and sends copies to mirrors, whose answers nobody
// gets. A copy is left out, and log says so, where 256 are under way. Log nil discards.
func NewMirroring(name string, c *config.Mirroring, main Service, mirrors []Service, log *slog.Logger) (Service, error) {
	m := &mirroring{compositeBase: compositeBase{name: name, children: []Service{main}, reports: c.HealthCheck != nil}, config: c, limit: -1,
		log: cmp.Or(log, slog.New(slog.DiscardHandler)), sending: make(chan struct{}, maxCopies)}
	m.life, m.end = context.WithCancel(context.Background())
	if c.MaxBodySize != nil {
		m.limit = *c.MaxBodySize
	}
	for i, s := range mirrors {
		percent := c.Mirrors[i].Percent
		if percent < 0 || percent > 100 {
			return nil, &percentError{cmp.Or(c.Mirrors[i].Name, name), percent}
		}
		m.mirrors = append(m.mirrors, &mirror{Service: s, name: c.Mirrors[i].Name, percent: uint64(percent)})
	}
	m.follow(m.anyUp)
	return m, nil
}

// percentError is a share that is none.
type percentError struct {
	name    string
	percent int
}

func (e *percentError) Error() string {
	return fmt.Sprintf("mirror %q: percent %d is not from 0 to 100", e.name, e.percent)
}

// ServeHTTP answers from the main service and sends the copies on their way.
func (m *mirroring) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var chosen []*mirror
	for _, to := range m.mirrors {
		n := to.seen.Add(1)
		if n*to.percent/100 != (n-1)*to.percent/100 { // evenly over the requests
			chosen = append(chosen, to)
		}
	}
	if len(chosen) == 0 || IsWebSocket(r) {
		m.children[0].ServeHTTP(w, r)
		return
	}
	original := r.Clone(cancellation.WithConn(context.WithoutCancel(r.Context()), nil)) // before the service changes it
	body := &sharedBody{}
	body.users.Store(1)
	defer body.release()
	if m.config.MirrorBody == nil || *m.config.MirrorBody {
		kept, whole, err := spool.Keep(r, m.limit)
		body.kept = kept
		switch {
		case err != nil:
			spool.Fail(w, r, err)
			return
		case !whole:
			m.log.Debug("the request is not mirrored: its body is larger than maxBodySize", "service", m.name, "limit", m.limit)
			m.children[0].ServeHTTP(w, r)
			return
		case kept != nil:
			r.Body = io.NopCloser(kept.Reader())
		}
	}
	m.children[0].ServeHTTP(w, r)
	cause := cancellation.Cause(r.Context())
	if cause != nil && !errors.Is(cause, cancellation.ErrInterrupted) && !errors.Is(cause, context.DeadlineExceeded) {
		return // the client has left, as in Traefik, or has not sent the request as a whole
	}
	for _, to := range chosen {
		m.send(to, original, body) //nolint:contextcheck // a copy outlives the request
	}
}

// sharedBody is one that several copies send; the last of its users closes it.
type sharedBody struct {
	kept  *spool.Buffer // nil where there is none
	users atomic.Int32
}

func (b *sharedBody) release() {
	if b.users.Add(-1) == 0 && b.kept != nil {
		b.kept.Close()
	}
}

func (m *mirroring) send(to *mirror, r *http.Request, body *sharedBody) {
	select {
	case m.sending <- struct{}{}:
	default:
		m.lost(to)
		return
	}
	body.users.Add(1)
	m.copies.Go(func() {
		defer body.release()
		defer func() { <-m.sending }()
		defer func() { _ = recover() }() // an answer cut short is nobody's
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(m.life, cancel)()
		c := r.Clone(ctx)
		c.Body, c.ContentLength, c.TransferEncoding = http.NoBody, 0, nil
		if body.kept != nil && body.kept.Size() > 0 {
			c.Body, c.ContentLength = io.NopCloser(body.kept.Reader()), body.kept.Size()
		}
		to.ServeHTTP(&discardWriter{header: http.Header{}}, c)
	})
}

// lost logs that a copy is left out, now and then.
func (m *mirroring) lost(to *mirror) {
	last, now := m.loss.Load(), steady.Now().UnixNano()
	if (last == 0 || now-last >= int64(lossInterval)) && m.loss.CompareAndSwap(last, now) {
		m.log.Warn("requests are not mirrored: too many copies are under way, the mirrors are too slow",
			"service", m.name, "mirror", to.name, "limit", maxCopies)
	}
}

// Close ends the copies under way and waits for them.
func (m *mirroring) Close() {
	m.compositeBase.Close()
	m.end()
	m.copies.Wait()
}

// discardWriter takes an answer that nobody gets.
type discardWriter struct{ header http.Header }

func (b *discardWriter) Header() http.Header         { return b.header }
func (b *discardWriter) Write(p []byte) (int, error) { return len(p), nil }
func (b *discardWriter) WriteHeader(int)             {}
func (b *discardWriter) Flush()                      {}
