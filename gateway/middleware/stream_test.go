package middleware_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

// streamers are the middlewares that hand on an answer while it comes.
var streamers = map[string]config.Middleware{
	"retry":          retrying(3),
	"retry status":   retryBy(config.Retry{Attempts: 3, Status: []string{"500-599"}, RetryNonIdempotentMethod: true}),
	"compress":       compressing(config.Compress{}),
	"errors":         {Errors: &config.Errors{Status: []string{"500-599"}, Service: "s"}},
	"circuitbreaker": breaking("NetworkErrorRatio() > 0.5 || LatencyAtQuantileMS(50) > 100000"),
	"grpcweb":        {GrpcWeb: &config.GrpcWeb{}},
	"contenttype":    {ContentType: &config.ContentType{}},
}

// eachStreamer runs f with a gateway of each streamer, in front of service.
func eachStreamer(t *testing.T, service http.HandlerFunc, f func(t *testing.T, name, url string)) {
	env := middleware.Env{Service: func(string) (http.Handler, error) { return http.NotFoundHandler(), nil }}
	for name, m := range streamers {
		t.Run("OK/"+name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, service)
			f(t, name, serve(t, buildIn(t, env, m, forward(t, s.URL))).URL)
		})
	}
	t.Run("OK/all", func(t *testing.T) {
		t.Parallel()
		h := forward(t, serve(t, service).URL)
		for _, m := range streamers {
			h = buildIn(t, env, m, h)
		}
		f(t, "compress", serve(t, h).URL)
	})
}

func TestStreamEvents(t *testing.T) {
	t.Parallel()
	var steps sync.Map // by host, of channels
	service := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		next, _ := steps.Load(r.Host)
		for i := range 3 {
			select {
			case <-next.(chan struct{}):
			case <-r.Context().Done():
				return
			}
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
		}
	}
	eachStreamer(t, service, func(t *testing.T, name, url string) {
		next := make(chan struct{}, 3)
		steps.Store(strings.TrimPrefix(url, "http://"), next)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got := resp.Header.Get("Content-Encoding"); (got == "gzip") != (name == "compress") {
			t.Errorf("encoding: got %q", got)
		}
		next <- struct{}{} // only now, when the header has come
		lines := bufio.NewScanner(decode(t, resp.Header.Get("Content-Encoding"), resp.Body))
		for i := range 3 {
			if lines.Scan(); lines.Text() != fmt.Sprint("data: ", i) {
				t.Errorf("event %d: got %q, %v", i, lines.Text(), lines.Err())
			}
			lines.Scan()
			if i < 2 {
				next <- struct{}{} // only now, when this event has come
			}
		}
	})
}

func TestStreamTrailers(t *testing.T) {
	t.Parallel()
	service := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Announced")
		fmt.Fprint(w, long)
		w.Header().Set("X-Announced", "a")
		w.Header().Set(http.TrailerPrefix+"X-Late", "b")
	}
	eachStreamer(t, service, func(t *testing.T, _, url string) {
		got := get(t, url, "Accept-Encoding", "gzip")
		if got.Trailer.Get("X-Announced") != "a" || got.Trailer.Get("X-Late") != "b" {
			t.Errorf("trailers: got %v", got.Trailer)
		}
	})
}

func TestStreamInformation(t *testing.T) {
	t.Parallel()
	service := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		fmt.Fprint(w, long)
	}
	eachStreamer(t, service, func(t *testing.T, _, url string) { checkHints(t, url) })
}

// checkHints asks for an answer that a 103 comes before.
func checkHints(t *testing.T, url string) {
	t.Helper()
	var hints []string
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hints = append(hints, fmt.Sprint(code, h.Get("Link")))
		return nil
	}}
	r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", url, nil)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(decode(t, resp.Header.Get("Content-Encoding"), resp.Body))
	if strings.Join(hints, ",") != "103</a.css>" || resp.StatusCode != 200 || string(body) != long {
		t.Errorf("got %v, then %d with %d bytes; want 103, then 200 with %d", hints, resp.StatusCode, len(body), len(long))
	}
}

func echoSocket(w http.ResponseWriter, r *http.Request) {
	c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		kind, p, err := c.ReadMessage()
		if err != nil {
			return
		}
		_ = c.WriteMessage(kind, p)
	}
}

func checkSocket(t *testing.T, url string) {
	t.Helper()
	c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http"), http.Header{"Accept-Encoding": {"gzip"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, want := range []string{"hello", long} {
		_ = c.WriteMessage(websocket.TextMessage, []byte(want))
		if _, got, err := c.ReadMessage(); err != nil || string(got) != want {
			t.Errorf("echo: got %q, %v; want %q", got, err, want)
		}
	}
}

func TestStreamWebSocket(t *testing.T) {
	t.Parallel()
	eachStreamer(t, echoSocket, func(t *testing.T, _, url string) { checkSocket(t, url) })
}
