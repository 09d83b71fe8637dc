package rule

import (
	"errors"
	"net/url"
	"path"
	"strings"

	"axion/gateway/urlpath"
)

const (
	upperhex = "0123456789ABCDEF"
	// reserved characters stay escaped in the path that rules see: decoding them
	// would change what the path means.
	reserved = ":/?#[]@!$&'()*+,;=%"
)

var errEscape = errors.New("the request's path holds a malformed escape")

// setPath fills Path, and HTTP where the URL has to be cleaned.
func (req *Request) setPath(verbatim bool) error {
	u := req.HTTP.URL
	escaped := u.EscapedPath()
	if escaped == "*" { // OPTIONS * asks for no path
		req.Path = escaped
		return nil
	}
	normal, err := decode(escaped, func(c byte) bool { return isUnreserved(c) })
	if err != nil {
		return err
	}
	clean := fromRoot(normal)
	if !verbatim {
		clean = cleanPath(clean)
	}
	if clean != escaped {
		if err := req.rewrite(clean); err != nil {
			return err
		}
	}
	req.Path, err = decode(clean, func(c byte) bool { return strings.IndexByte(reserved, c) < 0 })
	return err
}

// rewrite replaces HTTP by a copy with another path.
func (req *Request) rewrite(escaped string) error {
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		return errEscape
	}
	r := *req.HTTP
	u := *req.HTTP.URL
	u.Path, u.RawPath = plain, escaped
	r.URL = &u
	r.RequestURI = u.RequestURI()
	req.HTTP = &r
	return nil
}

// decode replaces the escapes of the bytes that plain accepts, and writes the
// others in upper case.
func decode(s string, plain func(byte) bool) (string, error) {
	i := strings.IndexByte(s, '%')
	if i < 0 {
		return s, nil
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for ; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errEscape
		}
		high, low := urlpath.Unhex(s[i+1]), urlpath.Unhex(s[i+2])
		if high > 15 || low > 15 {
			return "", errEscape
		}
		if c := high<<4 | low; plain(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperhex[high])
			b.WriteByte(upperhex[low])
		}
		i += 2
	}
	return b.String(), nil
}

func isUnreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}

func fromRoot(p string) string {
	if !strings.HasPrefix(p, "/") {
		return "/" + p
	}
	return p
}

// cleanPath resolves dot segments and double slashes, keeping a trailing slash.
func cleanPath(p string) string {
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return p
	}
	c := path.Clean(p)
	if c != "/" && strings.HasSuffix(p, "/") {
		c += "/"
	}
	return c
}
