package rule

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"axion/gateway/hostname"
)

// Request is one HTTP request in the form that rules match on. It serves one
// goroutine at a time.
type Request struct {
	// HTTP is the request to serve: the one given to [NewRequest], or a shallow
	// copy with a cleaned URL where its path held dot segments, double slashes
	// or needlessly escaped characters, so that what was routed is forwarded.
	HTTP *http.Request
	// Host is as [hostname.Name] gives it.
	Host string
	// Path is the path with every escape decoded but those of reserved
	// characters, without dot segments or double slashes.
	Path string

	query url.Values // parsed by the first query matcher
}

// NewRequest brings r into the form that rules match on. An error means that r
// is malformed and is to be answered with 400.
func NewRequest(r *http.Request) (*Request, error) { return newRequest(r, false) }

// NewVerbatimRequest is [NewRequest], but leaves dot segments and double slashes in
// the path.
func NewVerbatimRequest(r *http.Request) (*Request, error) { return newRequest(r, true) }

func newRequest(r *http.Request, verbatim bool) (*Request, error) {
	host, _, err := hostname.Parse(r.Host)
	if err != nil {
		return nil, err
	}
	if err := checkHostHeader(r, host); err != nil {
		return nil, err
	}
	if strings.Contains(r.URL.RawPath, "#") {
		return nil, errors.New("the request's path holds a fragment")
	}
	req := &Request{HTTP: r, Host: host}
	if err := req.setPath(verbatim); err != nil {
		return nil, err
	}
	return req, nil
}

// ClientIP is the peer's address. It is invalid where RemoteAddr is not an address; no
// ClientIP matcher accepts it then.
func (req *Request) ClientIP() netip.Addr {
	addr, err := netip.ParseAddrPort(req.HTTP.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap().WithZone("")
}

func (req *Request) queryValues(key string) []string {
	if req.query == nil {
		// A semicolon parts values too, as in Traefik.
		req.query, _ = url.ParseQuery(strings.ReplaceAll(req.HTTP.URL.RawQuery, ";", "&"))
	}
	return req.query[key]
}

// checkHostHeader refuses a request of HTTP/2 or 3 whose Host header names another host
// than its :authority (RFC 9113, section 8.3.1): who reads the header further on would
// see one that no rule and no TLS options were asked about. HTTP/1 has no such header
// beside [http.Request.Host].
func checkHostHeader(r *http.Request, host string) error {
	for _, value := range r.Header["Host"] {
		if name, _, err := hostname.Parse(value); err != nil || name != host {
			return errors.New("the request's Host header and its authority differ")
		}
	}
	return nil
}
