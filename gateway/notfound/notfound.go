// Package notfound answers requests that no router takes: with Traefik's line of text,
// and browsers with a page that says why. The page needs nothing from elsewhere, and
// all that the request and the configuration bring into it is escaped.
package notfound

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Page is what the page says.
type Page struct {
	Method     string
	URL        string // without the query, which may hold a token
	EntryPoint string
	// Details says that the client may know of routers: without it Near and Hosts are
	// not shown.
	Details   bool
	Near      []Near
	Hosts     []Host
	MoreHosts int    // how many beyond Hosts
	Dashboard string // its URL; empty for none
}

// Near is a router that comes near.
type Near struct {
	Router   string
	Origin   string // where it was read; may be empty
	Verdicts []Verdict
	Change   string // the one change that would make it match; may be empty
}

// Verdict is that of one matcher of a rule.
type Verdict struct {
	Matcher string
	Matched bool
}

// Host is a link to a host that has a router.
type Host struct{ Name, URL string }

// policy lets the page have its style and nothing else.
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page.html
var source string

var page = template.Must(template.New("page").Parse(source))

// Plain answers with the text that Traefik gives.
func Plain(w http.ResponseWriter) {
	http.Error(w, "404 page not found", http.StatusNotFound)
}

// Write answers with the page.
func Write(w http.ResponseWriter, p *Page) {
	var b bytes.Buffer
	if err := page.Execute(&b, p); err != nil {
		Plain(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept")
	w.WriteHeader(http.StatusNotFound)
	_, _ = b.WriteTo(w)
}

// WantsPage reports whether a client asks for HTML by name, as browsers do; that it
// takes anything is not enough.
func WantsPage(r *http.Request) bool {
	for _, line := range r.Header["Accept"] {
		for part := range strings.SplitSeq(line, ",") {
			kind, parameters, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/html") && !isZero(parameters) {
				return true
			}
		}
	}
	return false
}

// isZero reports whether a quality of 0 is among parameters (RFC 9110, section 12.4.2).
func isZero(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); strings.EqualFold(name, "q") && err == nil && q == 0 {
			return true
		}
	}
	return false
}

// secretMatcher is a matcher on what may be a secret: the value of a header or of a
// parameter.
var secretMatcher = regexp.MustCompile("(?is)^(!?(?:header|headerregexp|query|queryregexp)\\(\\s*" +
	"(?:`[^`]*`|\"(?:[^\"\\\\]|\\\\.)*\"))\\s*,.*$")

// Hide takes the value out of a matcher on a header or a parameter, and reports whether
// there was one.
func Hide(matcher string) (string, bool) {
	m := secretMatcher.FindStringSubmatch(matcher)
	if m == nil {
		return matcher, false
	}
	return m[1] + ", …)", true
}
