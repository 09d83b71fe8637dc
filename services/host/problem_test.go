package host

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestLateBody has bodies come to a stop, in both of the ways that a body can be sent. The
// answer must still find its way.
func TestLateBody(t *testing.T) {
	t.Parallel()
	if writeTimeout <= readTimeout {
		t.Errorf("%s to write is over once %s to read are", writeTimeout, readTimeout)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, p := ReadBody(r.Body, 100); p != nil {
			w.WriteHeader(p.Status)
		}
	}))
	s.Config.ReadTimeout, s.Config.WriteTimeout = 50*time.Millisecond, time.Minute
	s.Start()
	t.Cleanup(s.Close)
	for name, body := range map[string]string{
		"Length": "Content-Length: 9\r\n\r\nhalf", "Chunks": "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\n"+body); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _ = resp.Body.Close(); resp.StatusCode != http.StatusRequestTimeout {
				t.Errorf("got %s", resp.Status)
			}
		})
	}
}

func TestPointer(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"": "", "name": "/name", "nested.count": "/nested/count", "[2]": "/2",
		"items[3].tags[0]": "/items/3/tags/0", "a/b": "/a~1b", "a~b": "/a~0b",
	} {
		if got := pointer(location); got != want {
			t.Errorf("pointer(%q): got %q, want %q", location, got, want)
		}
	}
}

func TestLocalOrigin(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]bool{
		"": true, "https://graph.localhost": true, "http://localhost:5173": true, "http://127.0.0.1:8900": true,
		"null": false, "https://example.com": false, "https://localhost.example.com": false, "localhost": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		if got := LocalOrigin(r); got != want {
			t.Errorf("Origin %q: got %t, want %t", origin, got, want)
		}
	}
}
