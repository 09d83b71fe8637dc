package proxy

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"axion/gateway/cancellation"
	"axion/gateway/http1"
	"axion/gateway/listen/peer"
	"axion/gateway/steady"
)

// failure is why a request is not answered, for people and programs (RFC 9457).
type failure struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Detail  string `json:"detail"`
	Service string `json:"service"`
	Server  string `json:"server,omitempty"`
	// Waiting is for how long nothing has answered, in seconds.
	Waiting int64  `json:"waitingSeconds"`
	Remedy  string `json:"-"`
	Hint    string `json:"hint,omitempty"`
	Retry   int    `json:"-"` // in how many seconds it is worth while to ask again; 0: unknown
}

// fail answers for a server that could not.
func (p *Proxy) fail(w http.ResponseWriter, r *http.Request, b *Balancer, s *server, err error) {
	f := failure{Status: statusOf(r, err), Service: b.name, Server: s.url.Redacted(), Waiting: secondsSince(s.failing.Load())}
	p.log.Debug("request failed", "method", r.Method, "url", r.URL.Redacted(), "status", f.Status, "error", err)
	switch f.Status {
	case statusClientGone:
		w.WriteHeader(statusClientGone)
		return
	case http.StatusServiceUnavailable:
		f.Detail = cancellation.ErrStopping.Error()
	case http.StatusRequestHeaderFieldsTooLarge:
		f.Detail = "the server takes no head as large as the request's"
		f.Remedy = "Send fewer or shorter headers and cookies, or raise the server's limit."
	case http.StatusGatewayTimeout:
		f.Detail = "the server did not answer in time"
	default:
		if other, ok := errors.AsType[*peer.ServerError](err); ok {
			f.Detail, f.Remedy = foreign(other)
			break
		}
		f.Detail = "the server cannot be reached"
		f.Remedy = "Start your process on " + hostOf(s.url) + "."
		if s.failing.Load() == 0 {
			f.Detail, f.Remedy = reason(err)
		} else if now := s.upstream.State(); now != nil {
			f.explain(now, nil)
		}
	}
	f.answer(w, r)
}

// foreign is why nothing is sent to a server of another user, and what to do.
func foreign(e *peer.ServerError) (detail, remedy string) {
	hint := e.Hint()
	return e.Error() + ", another one of this machine: nothing was sent there", strings.ToUpper(hint[:1]) + hint[1:] + "."
}

// reason is why a server that was reached gave no answer, and what to do.
func reason(err error) (detail, remedy string) {
	text := err.Error()
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case untrusted:
		return "the server's certificate is not trusted", "Name its authority in a serversTransport's rootCAs, or set insecureSkipVerify there."
	case plain:
		return "the server does not speak TLS", "Set its scheme to http."
	case errors.Is(err, http1.ErrMalformed):
		_, what, _ := strings.Cut(text, http1.ErrMalformed.Error()+": ")
		return http1.ErrMalformed.Error() + ": " + what, lookAtLog
	// net/http has no values for these.
	case strings.Contains(text, "response headers exceeded"), strings.Contains(text, "header list larger than"):
		return http1.ErrMalformed.Error() + ": its head is larger than 1 MiB", lookAtLog
	case strings.Contains(text, "tried to switch"):
		return http1.ErrMalformed.Error() + ": it switches to a protocol that nobody asked for", lookAtLog
	case strings.Contains(text, "PROTOCOL_ERROR"): // much more than the limit is one too
		return http1.ErrMalformed.Error() + ": it breaks the rules of HTTP/2, or its head is larger than 1 MiB", lookAtLog
	case strings.Contains(text, "malformed"):
		return http1.ErrMalformed.Error(), lookAtLog
	}
	return "the server closed the connection without an answer", lookAtLog
}

const lookAtLog = "Look at its log."

// answerEnded answers a request that has ended, and reports whether it has.
func answerEnded(w http.ResponseWriter, r *http.Request) bool {
	cause := cancellation.Cause(r.Context())
	if cause != nil {
		w.WriteHeader(cancellation.Status(cause))
	}
	return cause != nil
}

// unavailable answers where no server is up.
func (p *Proxy) unavailable(w http.ResponseWriter, r *http.Request, b *Balancer, h *holding) {
	if answerEnded(w, r) {
		return
	}
	f := failure{Status: http.StatusServiceUnavailable, Service: b.name, Detail: "no available server", Waiting: secondsSince(b.since.Load()),
		Remedy: "Its health check fails. " + lookAtLog}
	var servers []string
	for _, s := range b.servers {
		servers = append(servers, s.url.Redacted())
	}
	f.Server = strings.Join(servers, ", ")
	if f.Server == "" {
		f.Remedy = "It has no servers."
	}
	if state := b.absent(); state != nil {
		f.explain(state, h)
	}
	for _, s := range b.servers {
		if other := s.foreign.Load(); other != nil {
			f.Detail, f.Remedy = foreign(other)
		}
	}
	f.answer(w, r)
}

// hostOf is an address with its port, also where that is the usual one.
func hostOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Host
	case u.Scheme == "https":
		return u.Host + ":443"
	}
	return u.Host + ":80"
}

func secondsSince(nanos int64) int64 {
	if nanos == 0 {
		return 0
	}
	return int64(steady.Now().Sub(time.Unix(0, nanos)).Seconds())
}

// answer gives browsers a page that loads itself again, gRPC clients a status, and
// all others a problem.
func (f failure) answer(w http.ResponseWriter, r *http.Request) {
	f.Type, f.Title = "about:blank", http.StatusText(f.Status)
	h := w.Header()
	f.retryAfter(h)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc"):
		h.Set("Content-Type", "application/grpc")
		h.Set("Grpc-Status", "14") // UNAVAILABLE
		h.Set("Grpc-Message", url.PathEscape(f.Detail))
		w.WriteHeader(http.StatusOK)
	case wantsPage(r):
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		if r.Method == http.MethodGet {
			h.Set("Refresh", strconv.Itoa(refreshSeconds))
		}
		w.WriteHeader(f.Status)
		_ = page.Execute(w, f) // the client is gone
	default:
		h.Set("Content-Type", "application/problem+json")
		w.WriteHeader(f.Status)
		_ = json.NewEncoder(w).Encode(f)
	}
}

// wantsPage reports whether HTML is what the client asked for by name.
func wantsPage(r *http.Request) bool {
	for _, line := range r.Header["Accept"] {
		for part := range strings.SplitSeq(line, ",") {
			kind, params, err := mime.ParseMediaType(part)
			if err == nil && (kind == "text/html" || kind == "application/xhtml+xml") && params["q"] != "0" {
				return true
			}
		}
	}
	return false
}

// Since says in words how long nothing has answered.
func (f failure) Since() string {
	if f.Waiting < 1 {
		return "just now"
	}
	return fmt.Sprintf("for %s", time.Duration(f.Waiting)*time.Second)
}

// refreshSeconds is how soon the page looks again.
const refreshSeconds = 2

var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Status}} waiting for {{.Service}}</title>
<style>
:root { color-scheme: light dark; --text: #1f2328; --quiet: #59636e; --line: #d1d9e0; --back: #f6f8fa; --card: #fff; --mark: #bc4c00 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --quiet: #9198a1; --line: #3d444d; --back: #0d1117; --card: #151b23; --mark: #f0883e }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back);
  color: var(--text); font: 16px/1.5 system-ui, sans-serif }
main { box-sizing: border-box; width: min(36rem, 100% - 2rem); padding: 1.5rem 2rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px }
h1 { margin: 0 0 .25rem; font-size: 1.25rem }
p { margin: .25rem 0 1rem; color: var(--quiet) }
p.remedy { margin: 1rem 0 0; color: var(--text) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.25rem; margin: 0;
  padding-top: 1rem; border-top: 1px solid var(--line) }
dt { color: var(--quiet) }
dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: .9rem }
.mark { color: var(--mark) }
</style>
<main>
<h1><span class="mark">{{.Status}}</span> Waiting for {{.Service}}</h1>
<p>{{.Title}}: {{.Detail}}. This page loads itself again.</p>
<dl>
<dt>service</dt><dd>{{.Service}}</dd>
{{if .Server}}<dt>address</dt><dd>{{.Server}}</dd>{{end}}
<dt>silent</dt><dd>{{.Since}}</dd>
</dl>
{{if .Remedy}}<p class="remedy">{{.Remedy}}</p>{{end}}
</main>
</html>
`))
