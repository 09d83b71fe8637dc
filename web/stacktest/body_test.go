package stacktest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"axion/services/contract"
	"axion/web/stacktest"
)

// TestBody: every API answers a body that breaks off, is no JSON, has a type that it does
// not take or is too long by the status that says so, and whose client has closed its
// side by none that says that the server failed.
func TestBody(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, binary)
	at := map[string]string{"dashboard": s.Dashboard, "otlp": s.OTLPHTTP}
	var system struct {
		Parts []struct{ Name, Address string }
	}
	s.Do(t, http.MethodGet, s.Dashboard+"/api/system", "", nil).Decode(t, http.StatusOK, &system)
	for _, p := range system.Parts {
		if at[p.Name] == "" {
			at[p.Name] = p.Address
		}
	}
	var session struct{ Token string }
	s.Do(t, http.MethodGet, s.Dashboard+"/api/session", "", nil).Decode(t, http.StatusOK, &session)
	const kilobytes = 1 << 10
	for _, tt := range []struct {
		part, method, path, body string
		limit                    int
		media                    string // empty: application/json
		anyType                  bool   // a type says nothing
	}{
		{part: contract.Auth, method: "POST", path: "/api/auth/sign-up/email",
			body: `{"email":"a@b.localhost","password":"password1","name":"a"}`, limit: 64 * kilobytes},
		{part: contract.Auth, method: "POST", path: "/api/auth/sign-in/email", body: `{"email":"a@b.localhost","password":"password1"}`,
			limit: 64 * kilobytes},
		{part: contract.Graph, method: "POST", path: "/api/projects", body: `{"name":"x"}`, limit: 1088 * kilobytes},
		{part: contract.Ingest, method: "POST", path: "/api/events", body: `{"specversion":"1.0","id":"1","source":"/m","type":"r","data":{}}`,
			limit: 1024 * kilobytes,
			media: "application/cloudevents+json"},
		{part: contract.Ingest, method: "PUT", path: "/api/schemas/reading", body: `{"type":"object"}`, limit: 64 * kilobytes, anyType: true},
		{part: "dashboard", method: "POST", path: "/api/faults", body: `{"kind":"route-delay","target":"graph-service","delayMs":1,"seconds":1}`,
			limit: 1024 * kilobytes},
		{part: "dashboard", method: "POST", path: "/api/projects", body: `{"name":"x"}`, limit: 1088 * kilobytes},
		{part: "otlp", method: "POST", path: "/v1/traces", body: `{"resourceSpans":[]}`, limit: 16 << 20},
	} {
		ask := func(media string, length int, sent string, closes bool) int {
			t.Helper()
			if media == "" {
				media = "application/json"
			}
			head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: http://localhost\r\n"+
				"Authorization: Bearer %s\r\nX-Axion-Token: %s\r\nContent-Type: %s\r\n",
				tt.method, tt.path, s.Token, session.Token, media)
			if length < 0 {
				head, sent = head+"Transfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("%x\r\n%s", -length, sent)
			} else {
				head += fmt.Sprintf("Content-Length: %d\r\n\r\n", length)
			}
			c, err := net.Dial("tcp", strings.TrimPrefix(at[tt.part], "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			_ = c.SetDeadline(time.Now().Add(stacktest.Timeout))
			_, _ = io.WriteString(c, head+sent) // it may be answered before it is all sent
			if closes {
				_ = c.(*net.TCPConn).CloseWrite()
			}
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Errorf("%s %s: %v", tt.part, tt.path, err)
				return 0
			}
			_ = res.Body.Close()
			return res.StatusCode
		}
		want := func(what string, got, want int) {
			t.Helper()
			if got != want {
				t.Errorf("%s %s, %s: got %d, want %d", tt.part, tt.path, what, got, want)
			}
		}
		want("a body that ends early", ask(tt.media, len(tt.body)+9, tt.body, true), http.StatusBadRequest)
		want("one in chunks", ask(tt.media, -len(tt.body), tt.body[:3], true), http.StatusBadRequest)
		want("no JSON", ask(tt.media, 3, `{"x`, false), http.StatusBadRequest)
		if !tt.anyType {
			want("another type", ask("text/csv", len(tt.body), tt.body, false), http.StatusUnsupportedMediaType)
		}
		long := `{"name":"` + strings.Repeat("x", tt.limit) + `"}`
		want("too long", ask(tt.media, len(long), long, false), http.StatusRequestEntityTooLarge)
		if got := ask(tt.media, len(tt.body), tt.body, true); got == http.StatusInternalServerError || got == http.StatusBadGateway {
			t.Errorf("%s %s, closed on its side: got %d", tt.part, tt.path, got)
		}
	}
}
