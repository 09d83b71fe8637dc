package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"axion/services/host"
)

const (
	idempotencyKey = "Idempotency-Key"
	maxKey         = 255 // characters
	// keyTime is how long an answer is kept for a request that is sent again.
	keyTime = 24 * time.Hour
	// maxKept bounds the answers that are kept; the oldest are forgotten first.
	maxKept = 10_000
)

// repeats answers requests that are sent again with their Idempotency-Key as the
// first time (draft-ietf-httpapi-idempotency-key-header-07). Answers of 5xx are not
// kept: they ask for another try. Keys are apart by caller: the bearer of a token,
// else the client's address.
type repeats struct {
	db    *sql.DB
	now   func() time.Time
	mu    sync.Mutex
	under map[[2]string]bool // caller and key of requests under way
}

// kept is an answer, as it was sent.
type kept struct {
	fingerprint string
	status      int
	media       string
	body        []byte
}

// through has next answer r, unless it is a repetition.
func (p *repeats) through(w http.ResponseWriter, r *http.Request, next http.Handler) {
	key := strings.Trim(r.Header.Get(idempotencyKey), `"`)
	if r.Header.Get(idempotencyKey) == "" {
		next.ServeHTTP(w, r)
		return
	}
	if key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' }) {
		host.WriteProblem(w, http.StatusBadRequest, fmt.Sprintf("%s must be 1 to %d printable ASCII characters", idempotencyKey, maxKey))
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		host.WriteProblem(w, http.StatusBadRequest, "the body ended early")
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	id := [2]string{callerOf(r), key}
	if !p.enter(id) {
		host.WriteProblem(w, http.StatusConflict, "a request with this "+idempotencyKey+" is under way: wait for its answer")
		return
	}
	defer p.leave(id)
	print := fingerprint(r, body)
	earlier, err := p.find(r.Context(), id)
	switch {
	case err == nil && earlier.fingerprint != print:
		host.WriteProblem(w, http.StatusUnprocessableEntity, "this "+idempotencyKey+" belongs to another request: give each request its own")
		return
	case err == nil:
		w.Header().Set("Content-Type", earlier.media)
		w.WriteHeader(earlier.status)
		_, _ = w.Write(earlier.body) // the client may be gone
		return
	case !errors.Is(err, sql.ErrNoRows):
		host.WriteProblem(w, http.StatusServiceUnavailable, "earlier requests cannot be looked up now")
		return
	}
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	next.ServeHTTP(rec, r)
	if rec.status < http.StatusInternalServerError && rec.status != http.StatusTooManyRequests {
		// A client that has gone will ask again.
		_ = p.keep(context.WithoutCancel(r.Context()), id, kept{print, rec.status, w.Header().Get("Content-Type"), rec.body.Bytes()})
	}
}

func (p *repeats) enter(id [2]string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.under[id] {
		return false
	}
	p.under[id] = true
	return true
}

func (p *repeats) leave(id [2]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.under, id)
}

func (p *repeats) find(ctx context.Context, id [2]string) (k kept, err error) {
	err = p.db.QueryRowContext(ctx, `SELECT fingerprint, status, media, body FROM requests WHERE caller = $1 AND request_key = $2 AND at > $3`,
		id[0], id[1], p.now().Add(-keyTime).UnixMilli()).Scan(&k.fingerprint, &k.status, &k.media, &k.body)
	return k, err
}

func (p *repeats) keep(ctx context.Context, id [2]string, k kept) error {
	now := p.now()
	if _, err := p.db.ExecContext(ctx, `DELETE FROM requests WHERE at <= $1 OR at <= (SELECT at FROM requests ORDER BY at DESC LIMIT 1 OFFSET $2)`,
		now.Add(-keyTime).UnixMilli(), maxKept); err != nil {
		return fmt.Errorf("forget answers: %w", err)
	}
	_, err := p.db.ExecContext(ctx, `INSERT INTO requests (caller, request_key, fingerprint, status, media, body, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (caller, request_key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,
			media = excluded.media, body = excluded.body, at = excluded.at`,
		id[0], id[1], k.fingerprint, k.status, k.media, k.body, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	return nil
}

// callerOf is whose key it is. The gateway tells the client's address; a token is kept
// as its sum only.
func callerOf(r *http.Request) string {
	if token := r.Header.Get("Authorization"); token != "" {
		sum := sha256.Sum256([]byte(token))
		return "token " + hex.EncodeToString(sum[:])
	}
	if ip := r.Header.Get("X-Real-Ip"); ip != "" {
		return "address " + ip
	}
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "address " + r.RemoteAddr
	}
	return "address " + ip
}

// fingerprint tells one request's content from another's.
func fingerprint(r *http.Request, body []byte) string {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s %s\n", r.Method, r.URL.RequestURI())
	var names []string
	for name := range r.Header {
		if name == "Content-Type" || strings.HasPrefix(name, headerPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		_, _ = fmt.Fprintf(sum, "%s: %q\n", name, r.Header[name])
	}
	_, _ = sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil))
}

// recorder keeps what passes.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}
