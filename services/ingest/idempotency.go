package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"axion/services/host"
)

const (
	idempotencyKey = "Idempotency-Key"
	maxKey         = 255 // characters
)

// headerKey is on a record of a request with an Idempotency-Key that is no CloudEvent,
// and so has no identity of its own: the request's name and the record's number in it.
const headerKey = "idempotency-key"

// headerKeyBytes bounds that header's part of a record.
const headerKeyBytes = 128

type nameKey struct{}

// nameOf is what a request with an Idempotency-Key is called, "" where it has none: the
// same for the same key, caller and content.
func nameOf(ctx context.Context) string {
	name, _ := ctx.Value(nameKey{}).(string)
	return name
}

// serve has next answer r, unless r is a repetition.
func (c *idempotencyCache) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	key := strings.Trim(r.Header.Get(idempotencyKey), `"`)
	if r.Header.Get(idempotencyKey) == "" {
		next.ServeHTTP(w, r)
		return
	}
	if key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' }) {
		host.WriteProblem(w, http.StatusBadRequest, fmt.Sprintf("%s must be 1 to %d printable ASCII characters", idempotencyKey, maxKey))
		return
	}
	body, unread := host.ReadBody(r.Body, maxBody)
	if unread != nil {
		host.WriteProblem(w, unread.Status, unread.Detail)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	id, print := clientRequest{callerOf(r), key}, fingerprint(r, body)
	earlier, err := c.begin(r.Context(), id, print)
	switch {
	case errors.Is(err, errUnderWay):
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		host.WriteProblem(w, http.StatusConflict, "a request with this "+idempotencyKey+" is under way: wait for its answer")
	case errors.Is(err, errOtherRequest):
		host.WriteProblem(w, http.StatusUnprocessableEntity, "this "+idempotencyKey+" belongs to another request: give each request its own")
	case err != nil:
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		host.WriteProblem(w, http.StatusServiceUnavailable, "earlier requests cannot be looked up now")
	case earlier != nil:
		w.Header().Set("Content-Type", earlier.media)
		w.WriteHeader(earlier.status)
		_, _ = w.Write(earlier.body) // the client may be gone
	default:
		c.serveFirst(w, r, next, id, print)
	}
}

// serveFirst has next answer the request, and stores the answer if it is one to store.
func (c *idempotencyCache) serveFirst(w http.ResponseWriter, r *http.Request, next http.Handler, id clientRequest, print string) {
	var answer *storedResponse
	ctx := context.WithoutCancel(r.Context()) // a client that has gone will ask again
	defer func() { c.end(ctx, id, answer) }()
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", id.caller, id.key, print))
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	next.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), nameKey{}, hex.EncodeToString(sum[:]))))
	if rec.status < http.StatusInternalServerError && rec.status != http.StatusTooManyRequests {
		answer = &storedResponse{print, rec.status, w.Header().Get("Content-Type"), rec.body.Bytes()}
	}
}

// callerOf is whose key it is. The gateway forwards the client's address; a token is stored
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

// fingerprint is a sum of the content of a request.
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

// recorder keeps a copy of the response.
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
