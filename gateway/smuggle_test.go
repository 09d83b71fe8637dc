package gateway_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// recording is a server that keeps the very bytes of each connection, and answers
// what it takes for a request.
type recording struct {
	url     string
	accept  net.Listener
	got     []*bytes.Buffer
	serving sync.WaitGroup
}

func record(t *testing.T) *recording {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{url: "http://" + l.Addr().String(), accept: l}
	r.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			kept := &bytes.Buffer{}
			r.got = append(r.got, kept)
			r.serving.Go(func() { answer(c, kept) })
		}
	})
	t.Cleanup(func() { r.all() })
	return r
}

func answer(c net.Conn, kept *bytes.Buffer) {
	defer c.Close()
	_ = c.SetDeadline(deadline())
	in := bufio.NewReader(io.TeeReader(c, kept))
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			_, _ = io.Copy(io.Discard, in)
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
			return
		}
	}
}

// all is what came. It waits until the gateway has closed its connections.
func (r *recording) all() (texts []string) {
	_ = r.accept.Close()
	r.serving.Wait()
	for _, kept := range r.got {
		if kept.Len() > 0 {
			texts = append(texts, kept.String())
		}
	}
	return texts
}

var (
	fieldLine   = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*$")
	requestLine = regexp.MustCompile(`^[A-Z]+ [^ \x00-\x1f\x7f]+ HTTP/1\.1$`)
	chunkLine   = regexp.MustCompile(`^[0-9a-f]+\r\n`)
)

// message takes text for one request, as strictly as can be. It reports whether the
// request is whole, and what is wrong with it.
func message(text string) (whole bool, err error) {
	head, body, ok := strings.Cut(text, "\r\n\r\n")
	if !ok {
		return false, nil
	}
	lines := strings.Split(head, "\r\n")
	if !requestLine.MatchString(lines[0]) {
		return false, fmt.Errorf("the first line is %q", lines[0])
	}
	fields := map[string][]string{}
	for _, line := range lines[1:] {
		if !fieldLine.MatchString(line) {
			return false, fmt.Errorf("a header line is %q", line)
		}
		name, value, _ := strings.Cut(line, ": ")
		name = strings.ToLower(name)
		fields[name] = append(fields[name], value)
	}
	lengths, codings := fields["content-length"], fields["transfer-encoding"]
	switch {
	case len(fields["host"]) != 1:
		return false, fmt.Errorf("the hosts are %q", fields["host"])
	case len(lengths)+len(codings) > 1:
		return false, fmt.Errorf("the lengths are %q and the codings %q", lengths, codings)
	case len(codings) == 1:
		return chunkedWhole(codings[0], body)
	case len(lengths) == 1:
		n, err := strconv.ParseUint(lengths[0], 10, 31)
		if err != nil || len(body) > int(n) || strconv.Itoa(int(n)) != lengths[0] {
			return false, fmt.Errorf("the length is %q and the body %q", lengths[0], body)
		}
		return len(body) == int(n), nil
	case body != "":
		return false, fmt.Errorf("more comes after it: %q", body)
	}
	return true, nil
}

// chunkedWhole reads chunks without extensions, and a trailer that could do no harm.
func chunkedWhole(coding, body string) (whole bool, err error) {
	if coding != "chunked" {
		return false, fmt.Errorf("the coding is %q", coding)
	}
	for body != "" {
		line := chunkLine.FindString(body)
		n, err := strconv.ParseUint(strings.TrimSpace(line), 16, 31)
		if err != nil {
			return false, fmt.Errorf("a chunk begins with %q", body)
		}
		if body = body[len(line):]; n == 0 {
			trailer, rest, ok := strings.Cut("\r\n"+body, "\r\n\r\n")
			for _, line := range strings.Split(trailer, "\r\n")[1:] {
				if !fieldLine.MatchString(line) || harmful.MatchString(line) {
					return false, fmt.Errorf("a trailer line is %q", line)
				}
			}
			if rest != "" {
				return false, fmt.Errorf("more comes after it: %q", rest)
			}
			return ok, nil
		}
		if len(body) < int(n)+2 {
			return false, nil
		}
		if body[n:n+2] != "\r\n" {
			return false, fmt.Errorf("a chunk ends with %q", body[n:])
		}
		body = body[n+2:]
	}
	return false, nil
}

// harmful are fields that must come before the body (RFC 9110, section 6.5.1).
var harmful = regexp.MustCompile(
	`(?i)^(content-length|transfer-encoding|host|trailer|connection|authorization|x-forwarded-[a-z]+|x-real-ip):`)

// say sends the bytes, and lists the statuses of all answers.
func say(t *testing.T, address, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(deadline())
	go func() { _, _ = io.WriteString(c, text) }()
	var statuses []string
	in := bufio.NewReader(c)
	for {
		if _, err := in.Peek(1); err != nil { // also where it is reset: not all was read
			return strings.Join(statuses, " ")
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", len(statuses)+1, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // which a reset may cut short, too
		if statuses = append(statuses, strconv.Itoa(resp.StatusCode)); len(statuses) == 1 {
			_ = c.(*net.TCPConn).CloseWrite() // what was sent already is answered still
		}
	}
}

// TestSmuggle sends requests that two readers could understand differently. What the
// server gets must be one request that none could, or nothing. A route takes /ok
// alone, so that a request for /evil comes to the server past the routes only.
func TestSmuggle(t *testing.T) {
	t.Parallel()
	for _, tt := range smuggles {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := record(t)
			s := start(t, compose(route("ok", "PathPrefix(`/ok`)", server.url)...))
			statuses := say(t, s.http, tt.text)
			if err := s.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
			if !regexp.MustCompile("^" + tt.statuses + "$").MatchString(statuses) {
				t.Errorf("statuses: got %s, want %s", statuses, tt.statuses)
			}
			got := server.all()
			if tt.seen == nothing {
				if len(got) > 0 {
					t.Errorf("the server got %q, want nothing", got)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("the server got %q, want one request", got)
			}
			whole, err := message(got[0])
			if err != nil || whole != (tt.seen == one) {
				t.Errorf("the server got %q, whole %v: %v", got[0], whole, err)
			}
			for _, part := range tt.has {
				if !strings.Contains(got[0], part) {
					t.Errorf("the server got %q, want one with %q", got[0], part)
				}
			}
			for _, part := range tt.hasNot {
				if strings.Contains(strings.ToLower(got[0]), part) {
					t.Errorf("the server got %q, want one without %q", got[0], part)
				}
			}
		})
	}
}
