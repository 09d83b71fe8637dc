// Package urlpath judges paths that the gateway puts together of what a client
// sent: whether a server could take one for a place outside of what was routed.
package urlpath

import (
	"path"
	"strings"
)

// maxDecodings is how often a path is decoded in search of dot segments: servers
// are known to decode once more than their proxies.
const maxDecodings = 3

// Dotted reports whether some server may find a segment "." or ".." in an escaped
// path (RFC 3986, 5.2.4): written out or as escapes, of the dots, of the slash or
// of the percent sign, after a backslash too, and with parameters (";a=1") or what some
// servers end a name at. A malformed escape stands for itself.
func Dotted(escaped string) bool {
	if !strings.Contains(escaped, ".") && !strings.Contains(escaped, "%") {
		return false
	}
	for range maxDecodings {
		if hasDots(escaped) {
			return true
		}
		decoded := decode(escaped)
		if decoded == escaped {
			return false
		}
		escaped = decoded
	}
	return hasDots(escaped)
}

// Tidy reports whether an escaped path is what resolving dot segments and joining
// slashes would make of it. A slash at the end stays.
func Tidy(escaped string) bool {
	if strings.HasPrefix(escaped, "/") && !strings.Contains(escaped, "//") && !strings.Contains(escaped, "/.") {
		return true
	}
	clean := path.Clean("/" + escaped)
	if clean != "/" && strings.HasSuffix(escaped, "/") {
		clean += "/"
	}
	return clean == escaped
}

// hasDots looks for dot segments between slashes of either kind.
func hasDots(p string) bool {
	for p != "" {
		segment := p
		if i := strings.IndexAny(p, `/\`); i >= 0 {
			segment, p = p[:i], p[i+1:]
		} else {
			p = ""
		}
		if segment == "" || segment[0] != '.' {
			continue
		}
		if name := bare(segment); name == "." || name == ".." {
			return true
		}
	}
	return false
}

// bare is a segment as the servers see it that take what follows a semicolon for its
// parameters, what follows a question mark or hash for no path any more once they have
// decoded it, and a NUL for the end, or that drop blanks at the end.
func bare(segment string) string {
	if i := strings.IndexAny(segment, ";?#\x00"); i >= 0 {
		segment = segment[:i]
	}
	return strings.TrimRight(segment, " \t\r\n\v\f")
}

// decode replaces every well-formed escape once.
func decode(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if high, low := Unhex(s[i+1]), Unhex(s[i+2]); high < 16 && low < 16 {
				b = append(b, high<<4|low)
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// Unhex is the value of a hexadecimal digit, or 255 for what is none.
func Unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
