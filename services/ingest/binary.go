package ingest

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"axion/services/host"
)

// headerPrefix begins the headers that are attributes in binary mode, in the
// form to which net/http brings header names.
const headerPrefix = "Ce-"

// hasAttributes reports whether a request that is not in structured mode means
// to be an event at all.
func hasAttributes(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, headerPrefix) {
			return true
		}
	}
	return false
}

// parseBinary reads one event whose attributes are headers and whose data is
// the body.
func parseBinary(h http.Header, body []byte) (event, []host.FieldError) {
	at := func(name, detail string) host.FieldError {
		return host.FieldError{Detail: detail, Parameter: strings.ToLower(headerPrefix) + name}
	}
	e := event{contentType: h.Get("Content-Type")}
	var wrong []host.FieldError
	for header, values := range h {
		name, ok := strings.CutPrefix(header, headerPrefix)
		if !ok {
			continue
		}
		name = strings.ToLower(name)
		if name == "datacontenttype" {
			wrong = append(wrong, at(name, "must not be given: Content-Type says it"))
			continue
		}
		for _, value := range values {
			text, ok := decodeHeader(value)
			if !ok {
				wrong = append(wrong, at(name, "wrongly encoded: percent-encoded UTF-8 is expected"))
			}
			e.attributes = append(e.attributes, attribute{name, text})
		}
	}
	// Header maps have no order; records of the same event are the same.
	slices.SortFunc(e.attributes, func(a, b attribute) int { return strings.Compare(a.name, b.name) })
	if len(body) > 0 {
		e.data = body
	}
	if len(wrong) > 0 {
		return e, wrong
	}
	return e, e.check(at)
}

// decodeHeader undoes the encoding of an attribute in a header: first the quoted
// form that some senders use, then one pass of percent-decoding.
func decodeHeader(value string) (string, bool) {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = unquote(value[1 : len(value)-1])
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '%' {
			b.WriteByte(value[i])
			continue
		}
		if i+2 >= len(value) {
			return "", false
		}
		high, low := nibble(value[i+1]), nibble(value[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		b.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return b.String(), utf8.ValidString(b.String())
}

// unquote drops the backslashes of a quoted string (RFC 9110).
func unquote(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
		}
		b.WriteByte(value[i])
	}
	return b.String()
}

func nibble(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
