package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

const (
	// maxHead bounds an answer's head, in bytes.
	maxHead = 1 << 20
)

// head is the beginning of an answer.
type head struct {
	status  int
	fields  []field
	minor   int    // of HTTP/1.x
	length  int64  // -1 where unknown
	digits  string // of length, as the server wrote it
	chunked bool
	close   bool
	keep    time.Duration // how long the server keeps the connection unused; 0 if unsaid
}

// field is one line of a header.
type field struct{ name, value string }

// ErrMalformed is an answer that is not HTTP/1.1, or is too large.
var ErrMalformed = errors.New("the server's answer is malformed")

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// readHead reads a head strictly: what two readers could understand differently is
// refused (RFC 9112, sections 5 and 6).
func readHead(r *bufio.Reader, h *head) error {
	text, err := readBlock(r)
	if err != nil {
		return err
	}
	line, rest, _ := strings.Cut(text, "\r\n")
	if err := h.statusLine(line); err != nil {
		return err
	}
	h.fields, h.length, h.chunked, h.close, h.keep = h.fields[:0], -1, false, h.minor == 0, 0
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		if err := h.field(line); err != nil {
			return err
		}
	}
	if h.chunked && h.length >= 0 {
		return malformed("it has both Transfer-Encoding and Content-Length")
	}
	return nil
}

// readBlock reads up to an empty line, which it leaves out, and checks line ends.
func readBlock(r *bufio.Reader) (string, error) {
	b := make([]byte, 0, 512) // stays on the stack where that is enough
	for start := 0; ; {
		line, err := r.ReadSlice('\n')
		part := errors.Is(err, bufio.ErrBufferFull) // of a line that is longer than the buffer
		if err != nil && !part {
			return "", err
		}
		if len(b)+len(line) > maxHead {
			return "", malformed("its head is larger than 1 MiB")
		}
		if len(line) == 2 && line[0] == '\r' && start == len(b) {
			if len(b) == 0 {
				return "", malformed("it begins with an empty line")
			}
			return string(b), nil
		}
		if b = append(b, line...); part {
			continue
		}
		line, start = b[start:], len(b)
		if len(line) < 2 || line[len(line)-2] != '\r' {
			return "", malformed("a line does not end in CRLF")
		}
		if bytes.IndexByte(line[:len(line)-2], '\r') >= 0 {
			return "", malformed("a line holds a bare CR")
		}
	}
}

func (h *head) statusLine(line string) error {
	if len(line) < 12 || line[:7] != "HTTP/1." || line[7] != '0' && line[7] != '1' || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return malformed("its first line is " + strconv.Quote(line[:min(len(line), 64)]))
	}
	h.minor = int(line[7] - '0')
	n, err := strconv.ParseUint(line[9:12], 10, 16)
	if err != nil || n < 100 || n > 999 {
		return malformed("its status is " + strconv.Quote(line[9:12]))
	}
	h.status = int(n)
	return nil
}

func (h *head) field(line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || !httpguts.ValidHeaderFieldName(name) {
		return malformed("a header line is " + strconv.Quote(line[:min(len(line), 64)]))
	}
	value = strings.Trim(value, " \t")
	if !httpguts.ValidHeaderFieldValue(value) {
		return malformed("the header " + name + " holds control characters")
	}
	name = canonical(name)
	switch name {
	case "Content-Length":
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || h.length >= 0 && h.length != int64(n) {
			return malformed("its Content-Length is " + strconv.Quote(value))
		}
		h.length, h.digits = int64(n), value
		return nil
	case "Transfer-Encoding":
		if h.chunked || !strings.EqualFold(value, "chunked") {
			return malformed("its Transfer-Encoding is " + strconv.Quote(value))
		}
		h.chunked = true
		return nil
	case "Connection":
		h.close = h.close && !hasToken(value, "keep-alive") || hasToken(value, "close")
	case "Keep-Alive":
		h.keep = keepTime(value)
	}
	h.fields = append(h.fields, field{name, value})
	return nil
}

// keepTime reads for how long a server keeps an unused connection, as most of them say
// it: "timeout=5" in seconds (RFC 2068, section 19.7.1.1). Zero where it does not say.
func keepTime(value string) time.Duration {
	for part := range strings.SplitSeq(value, ",") {
		if seconds, ok := strings.CutPrefix(strings.TrimSpace(part), "timeout="); ok {
			if n, err := strconv.ParseUint(seconds, 10, 16); err == nil {
				return time.Duration(n) * time.Second
			}
		}
	}
	return 0
}

// get is the first value of a field, empty where there is none.
func (h *head) get(name string) string {
	for _, f := range h.fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

func hasToken(value, token string) bool {
	for part := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.TrimSpace(part), token) {
			return true
		}
	}
	return false
}

// canonical is the name in its usual form; the usual names cost nothing.
func canonical(name string) string {
	if known, ok := commonNames[name]; ok {
		return known
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}

var commonNames = func() map[string]string {
	m := map[string]string{}
	for _, name := range []string{"Content-Type", "Content-Length", "Date", "Server", "Connection", "Transfer-Encoding", "Cache-Control",
		"Etag", "Last-Modified", "Vary", "Set-Cookie", "Location", "Content-Encoding", "Keep-Alive", "X-Powered-By",
		"Access-Control-Allow-Origin"} {
		m[name], m[strings.ToLower(name)] = name, name
	}
	m["ETag"] = "Etag"
	return m
}()

// writeTo puts the fields into a ResponseWriter's header, without those that are for
// this connection. The spare list, of one value, is for a field more.
func (h *head) writeTo(to http.Header) (spare []string) {
	var named []string
	for _, f := range h.fields {
		if f.name == "Connection" {
			named = append(named, strings.Split(f.value, ",")...)
		}
	}
	values := make([]string, len(h.fields)+1) // one allocation for all
	for i, f := range h.fields {
		switch f.name {
		case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Te", "Trailer", "Upgrade":
			continue
		}
		if isHopByHop(named, f.name) {
			continue
		}
		values[i] = f.value
		if prior := to[f.name]; len(prior) > 0 {
			to[f.name] = append(prior, f.value)
		} else {
			to[f.name] = values[i : i+1 : i+1]
		}
	}
	return values[len(h.fields):]
}

// decimal is the length in its shortest form.
func (h *head) decimal() string {
	if h.digits == "0" || h.digits[0] != '0' {
		return h.digits
	}
	return strconv.FormatInt(h.length, 10)
}

func isHopByHop(named []string, name string) bool {
	for _, n := range named {
		if strings.EqualFold(strings.TrimSpace(n), name) {
			return true
		}
	}
	return false
}
