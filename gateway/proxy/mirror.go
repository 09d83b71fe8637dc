package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

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
	original := r.Clone(context.WithoutCancel(r.Context())) // before the service changes it
	body, whole, err := keep(r, m.limit, m.config.MirrorBody == nil || *m.config.MirrorBody)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	m.children[0].ServeHTTP(w, r)
	if !whole {
		return
	}
	for _, to := range chosen {
		m.send(to, original, body)
	}
}

// keep reads a body that is to be sent more than once, and puts it back. It is not
// whole where it is larger than limit.
func keep(r *http.Request, limit int64, wanted bool) (body []byte, whole bool, err error) {
	if !wanted || r.Body == nil || r.Body == http.NoBody {
		return nil, true, nil
	}
	body, err = io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, false, err
	}
	whole = int64(len(body)) <= limit
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	return body, whole, nil
}

func (m *mirroring) send(to *mirror, r *http.Request, body []byte) {
	select {
	case m.sending <- struct{}{}:
	default:
		return // mirrors are too slow
	}
	m.copies.Go(func() {
		defer func() { <-m.sending }()
		defer func() { _ = recover() }() // an answer cut short is nobody's
		ctx, cancel := context.WithTimeout(r.Context(), copyTimeout)
		defer cancel()
		defer context.AfterFunc(m.life, cancel)()
		c := r.Clone(ctx)
		c.Body, c.ContentLength, c.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		if len(body) == 0 {
			c.Body = http.NoBody
		}
		to.ServeHTTP(&blackHole{header: http.Header{}}, c)
	})
}

// Close ends the copies under way and waits for them.
func (m *mirroring) Close() {
	m.end()
	m.copies.Wait()
}

// blackHole takes an answer that nobody gets.
type blackHole struct{ header http.Header }

func (b *blackHole) Header() http.Header         { return b.header }
func (b *blackHole) Write(p []byte) (int, error) { return len(p), nil }
func (b *blackHole) WriteHeader(int)             {}
func (b *blackHole) Flush()                      {}
