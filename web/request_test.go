package web

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"axion/web/guard"
	"axion/web/tryit"
)

// fakeGateway is a gateway of one port that reports what it was asked, and what else it
// answers.
func fakeGateway(t *testing.T) (*tryit.GatewayTransport, *httptest.Server) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("X-Request-Id", "id-of-echo")
		answerJSON(w, 200, map[string]any{"method": r.Method, "host": r.Host, "query": r.URL.RawQuery, "body": string(body), "headers": r.Header})
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/secret", http.StatusFound)
	})
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0, 255, 1}) })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for line := []byte("data: é\n\n"); ; {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	})
	server := httptest.NewUnstartedServer(mux)
	certificate, roots := selfSigned(t, "shop.localhost")
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients refuse it on purpose
	server.StartTLS()
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	_, own, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return &tryit.GatewayTransport{
		Resolve: func(scheme, port string) (string, bool) {
			return address, scheme == "https" && (port == "" || port == own)
		},
		RootCAs: roots, Token: func(context.Context) (string, error) { return goodToken, nil },
	}, server
}

// sendRequest posts to /api/requests.
func (s *stack) sendRequest(t *testing.T, body string) (int, tryit.RequestAnswer, string) {
	t.Helper()
	res, text := s.call(t, "POST", "/api/requests", body, map[string]string{"Content-Type": "application/json"})
	var got tryit.RequestAnswer
	if res.StatusCode == 200 {
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
	}
	return res.StatusCode, got, text
}

func startWithGateway(t *testing.T) *stack {
	t.Helper()
	s := newStack()
	o := s.options(t, "127.0.0.1:0", nil)
	o.Requests, _ = fakeGateway(t)
	s.start(t, o)
	return s
}

func TestSendRequest(t *testing.T) {
	t.Parallel()
	s := startWithGateway(t)
	status, got, text := s.sendRequest(t,
		`{"method":"put","url":"https://shop.localhost/echo?a=1#part","headers":{"X-One":"1","host":"other.localhost"},"body":"hello","auth":true}`)
	if status != 200 || got.Status != 200 || got.RequestID != "id-of-echo" || got.Encoding != "text" || got.Truncated ||
		len(got.TraceID) != 32 {
		t.Fatalf("got %d %s", status, text)
	}
	if cookies := got.Headers["Set-Cookie"]; len(cookies) != 2 {
		t.Errorf("got cookies %q, want both", cookies)
	}
	var echo struct {
		Method, Host, Query, Body string
		Headers                   http.Header
	}
	if err := json.Unmarshal([]byte(got.Body), &echo); err != nil {
		t.Fatal(err)
	}
	if echo.Method != "PUT" || echo.Host != "other.localhost" || echo.Query != "a=1" || echo.Body != "hello" ||
		echo.Headers.Get("X-One") != "1" {
		t.Errorf("got %+v", echo)
	}
	if auth := echo.Headers.Get("Authorization"); auth != "Bearer "+goodToken {
		t.Errorf("got Authorization %q", auth)
	}
	if parent := echo.Headers.Get("Traceparent"); !strings.Contains(parent, got.TraceID) {
		t.Errorf("got traceparent %q, want one of the trace %s", parent, got.TraceID)
	}
	_, got, _ = s.sendRequest(t, `{"url":"shop.localhost/echo"}`)
	if strings.Contains(got.Body, "Authorization") || !strings.Contains(got.Body, `"method":"GET"`) {
		t.Errorf("without auth: got %s", got.Body)
	}
	if _, got, _ = s.sendRequest(t, `{"url":"https://shop.localhost/bytes"}`); got.Encoding != "base64" ||
		got.Body != base64.StdEncoding.EncodeToString([]byte{0, 255, 1}) {
		t.Errorf("bytes: got %+v", got)
	}
	if _, got, _ = s.sendRequest(t, `{"url":"https://shop.localhost/endless"}`); !got.Truncated || got.Bytes != tryit.MaxAnswer ||
		got.Encoding != "text" {
		t.Errorf("endless: got %d bytes, %s, truncated %t", got.Bytes, got.Encoding, got.Truncated)
	}
}

// TestSendRequestStays tries to have a request go elsewhere than to the gateway.
func TestSendRequestStays(t *testing.T) {
	t.Parallel()
	s := startWithGateway(t)
	var reached atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	t.Cleanup(elsewhere.Close)
	_, port, _ := net.SplitHostPort(elsewhere.Listener.Addr().String())
	tests := []struct {
		name, body string
		status     int
		want       string
	}{
		{"ErrOtherPort", `{"url":"https://shop.localhost:` + port + `/"}`, 422, "port " + port},
		{"ErrOtherHostAndPort", `{"url":"http://127.0.0.1:` + port + `/"}`, 422, "port " + port},
		{"ErrSchemeNotServed", `{"url":"http://shop.localhost/"}`, 422, "does not listen for http"},
		{"ErrForeignHost", `{"url":"https://example.com/"}`, 502, "certificate"}, // it is the gateway that was asked
		{"ErrAddress", `{"url":"https://169.254.169.254/latest/meta-data"}`, 502, "certificate"},
		{"ErrCredentials", `{"url":"https://user:secret@shop.localhost/"}`, 422, "credentials"},
		{"ErrFile", `{"url":"file:///etc/passwd"}`, 422, "scheme"},
		{"ErrUnix", `{"url":"unix:///var/run/docker.sock"}`, 422, "scheme"},
		{"ErrUnixHost", `{"url":"http+unix://%2Fvar%2Frun%2Fdocker.sock/info"}`, 422, "URL"},
		{"ErrNoHost", `{"url":"https:///path"}`, 422, "no host"},
		{"ErrNoURL", `{"url":"https://shop.localhost/%zz"}`, 422, "cannot be read"},
		{"ErrConnect", `{"url":"https://shop.localhost/","method":"CONNECT"}`, 422, "tunnel"},
		{"ErrMethod", `{"url":"https://shop.localhost/","method":"GET / HTTP/1.1"}`, 422, "method"},
		{"ErrHeaderInjected", `{"url":"https://shop.localhost/","headers":{"X-A":"1\r\nX-B: 2"}}`, 422, "not a header"},
		{"ErrHostInjected", `{"url":"https://shop.localhost/","headers":{"Host":"a b"}}`, 422, "not a host"},
		{"ErrUpgrade", `{"url":"https://shop.localhost/","headers":{"upgrade":"websocket"}}`, 422, "connection"},
		{"ErrBodyTooLarge", `{"url":"https://shop.localhost/","body":"` + strings.Repeat("a", tryit.MaxRequest) + `"}`, 413, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if status, _, text := s.sendRequest(t, tt.body); status != tt.status || !strings.Contains(text, tt.want) ||
				strings.Contains(text, "secret") {
				t.Errorf("got %d %s, want %d with %q", status, text, tt.status, tt.want)
			}
		})
	}
	t.Run("OKRedirectIsAnAnswer", func(t *testing.T) {
		status, got, text := s.sendRequest(t, `{"url":"https://shop.localhost/away","auth":true}`)
		if status != 200 || got.Status != 302 || got.Headers.Get("Location") != "http://192.0.2.1/secret" {
			t.Errorf("got %d %s", status, text)
		}
	})
	t.Run("ErrNoToken", func(t *testing.T) {
		body := `{"url":"https://shop.localhost/echo"}`
		if res, text := s.call(t, "POST", "/api/requests", body,
			map[string]string{"Content-Type": "application/json", guard.TokenHeader: ""}); res.StatusCode != 403 {
			t.Errorf("got %d %s", res.StatusCode, text)
		}
	})
	if reached.Load() {
		t.Error("a request went elsewhere")
	}
}
