package rule

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Request is one HTTP request in the form that rules match on. It serves one
// goroutine at a time.
type Request struct {
	// HTTP is the request to serve: the one given to [NewRequest], or a shallow
	// copy with a cleaned URL where its path held dot segments, double slashes
	// or needlessly escaped characters, so that what was routed is forwarded.
	HTTP *http.Request
	// Host is in lower case, without port, brackets or trailing dot.
	Host string
	// Path is the path with every escape decoded but those of reserved
	// characters, without dot segments or double slashes.
	Path string
	// ClientIP is the peer's address. It is invalid where RemoteAddr is not an
	// address; no ClientIP matcher accepts it then.
	ClientIP netip.Addr

	query url.Values // parsed by the first query matcher
}

// NewRequest brings r into the form that rules match on. An error means that r
// is malformed and is to be answered with 400.
func NewRequest(r *http.Request) (*Request, error) { return newRequest(r, false) }

// NewVerbatimRequest is [NewRequest], but leaves dot segments and double slashes in
// the path.
func NewVerbatimRequest(r *http.Request) (*Request, error) { return newRequest(r, true) }

func newRequest(r *http.Request, verbatim bool) (*Request, error) {
	host, err := normalHost(r.Host)
	if err != nil {
		return nil, err
	}
	if strings.Contains(r.URL.RawPath, "#") {
		return nil, errors.New("the request's path holds a fragment")
	}
	req := &Request{HTTP: r, Host: host}
	if addr, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		req.ClientIP = addr.Addr().Unmap().WithZone("")
	}
	if err := req.setPath(verbatim); err != nil {
		return nil, err
	}
	return req, nil
}

func (req *Request) queryValues(key string) []string {
	if req.query == nil {
		// A semicolon parts values too, as in Traefik. The server gets it as it is.
		req.query, _ = url.ParseQuery(strings.ReplaceAll(req.HTTP.URL.RawQuery, ";", "&"))
	}
	return req.query[key]
}

// normalHost strips the port, brackets and one trailing dot, and lowers case.
func normalHost(host string) (string, error) {
	host = strings.TrimSpace(host)
	if strings.HasPrefix(host, "[") {
		inner, _, ok := strings.Cut(host[1:], "]")
		if !ok {
			return "", errors.New("the request's host lacks a closing bracket")
		}
		return strings.ToLower(inner), nil
	}
	// More than one colon is an address without brackets, which has no port.
	if i := strings.IndexByte(host, ':'); i >= 0 && i == strings.LastIndexByte(host, ':') {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, ".")), nil
}
