package http1

import (
	"net"
	"net/http"
	"strconv"
	"strings"
)

// appendHead writes the request's line and header. RFC 9110, section 7.6.1 names
// what is not for the server.
func appendHead(b []byte, r *http.Request, t *Target, upgrade string) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, requestTarget(r)...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	if t.PassHost {
		b = append(b, r.Host...)
	} else {
		b = append(b, t.URL.Host...)
	}
	b = append(b, '\r', '\n')
	named := connectionHeaders(r.Header)
	trailers := false
	for name, values := range r.Header {
		switch name {
		case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Trailer",
			"Transfer-Encoding", "Upgrade", "Content-Length", "Host", "X-Forwarded-For":
			continue
		case "Te":
			for _, v := range values {
				trailers = trailers || strings.Contains(strings.ToLower(v), "trailers")
			}
			continue
		}
		if named != nil && named[name] && !strings.HasPrefix(name, "X-Forwarded-") && name != "X-Real-Ip" {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	switch {
	case upgrade != "":
		b = appendField(append(b, "Connection: Upgrade\r\n"...), "Upgrade", upgrade)
	case trailers:
		b = append(b, "Connection: TE\r\nTe: trailers\r\n"...)
	}
	return appendFor(b, r)
}

// requestTarget is what the client asked for, as it wrote it where nothing changed it.
func requestTarget(r *http.Request) string {
	path := r.URL.EscapedPath()
	if path == "" || r.URL.Opaque != "" {
		path = "/"
	}
	if path == "*" || path[0] == '/' {
		if r.URL.RawQuery == "" && !r.URL.ForceQuery {
			return path
		}
		return path + "?" + r.URL.RawQuery
	}
	return "/" + path
}

// appendFor appends the client's address after those that it came through, unless the
// header is there without a value, as with net/http's proxy.
func appendFor(b []byte, r *http.Request) []byte {
	prior, there := r.Header["X-Forwarded-For"]
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil && len(prior) == 0 || there && prior == nil {
		return b
	}
	b = append(b, "X-Forwarded-For: "...)
	b = append(b, strings.Join(prior, ", ")...)
	if err == nil {
		if len(prior) > 0 {
			b = append(b, ", "...)
		}
		b = append(b, host...)
	}
	return append(b, '\r', '\n')
}

// appendField writes a line; what would end it early becomes a space.
func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ':', ' ')
	start := len(b)
	b = append(b, value...)
	for i := start; i < len(b); i++ {
		if b[i] == '\r' || b[i] == '\n' || b[i] == 0 {
			b[i] = ' '
		}
	}
	return append(b, '\r', '\n')
}

// connectionHeaders are the headers that Connection names as its own.
func connectionHeaders(h http.Header) map[string]bool {
	var named map[string]bool
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if name == "" || name == "Close" || name == "Keep-Alive" {
				continue
			}
			if named == nil {
				named = make(map[string]bool)
			}
			named[name] = true
		}
	}
	return named
}

// appendFraming says how the body is delimited, and ends the head.
func appendFraming(b []byte, r *http.Request) []byte {
	switch {
	case !hasBody(r):
		if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
			b = append(b, "Content-Length: 0\r\n"...)
		}
	case r.ContentLength > 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, r.ContentLength, 10)
		b = append(b, '\r', '\n')
	default:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		if len(r.Trailer) > 0 {
			names := make([]string, 0, len(r.Trailer))
			for name := range r.Trailer {
				names = append(names, name)
			}
			b = appendField(b, "Trailer", strings.Join(names, ", "))
		}
	}
	return append(b, '\r', '\n')
}
