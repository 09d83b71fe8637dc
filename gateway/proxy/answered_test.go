package proxy_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/proxy"
	"axion/gateway/respwriter"
)

// noting is a writer that notes what it is notified of servers.
type noting struct {
	http.ResponseWriter
	told *[]string
}

var _ respwriter.ServerRecorder = noting{}

func (n noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }
func (n noting) SetServer(service string, u *url.URL) {
	*n.told = append(*n.told, service+" asks "+u.Scheme)
}
func (n noting) Answered(status int, size int64) {
	*n.told = append(*n.told, fmt.Sprint(status, " with ", size))
}

// TestAnswered informs the observer of each server that is asked, and what came of it,
// by both clients alike.
func TestAnswered(t *testing.T) {
	t.Parallel()
	const long = 1 << 20
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			w.Header().Set("Content-Length", fmt.Sprint(long))
			_, _ = io.WriteString(w, strings.Repeat("x", long))
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/none":
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "short")
		}
	})
	plain, secure := httptest.NewServer(upstream), httptest.NewTLSServer(upstream)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	p := proxy.New(proxy.Options{})
	tr, err := p.Transport(&config.ServersTransport{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	for _, at := range []string{plain.URL, secure.URL} {
		b, err := p.Balancer("part", servers(at), tr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		all, err := proxy.NewWeighted("all", &config.Weighted{Services: []config.WeightedService{{Name: "part"}}}, []proxy.Service{b})
		if err != nil {
			t.Fatal(err)
		}
		scheme, _, _ := strings.Cut(at, ":")
		for path, want := range map[string]string{
			"/": "418 with 5", "/long": fmt.Sprint("200 with ", long), "/cut": "200 with 5", "/none": "502 with ",
		} {
			var told []string
			done := make(chan struct{})
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(done)
				all.ServeHTTP(noting{w, &told}, r)
			}))
			r, err := http.NewRequest(http.MethodPost, front.URL+path, strings.NewReader("a body is not sent again"))
			if err != nil {
				t.Fatal(err)
			}
			if res, err := front.Client().Do(r); err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
			<-done
			front.Close()
			if got := strings.Join(told, ", "); !strings.HasPrefix(got, "part asks "+scheme+", "+want) || len(told) != 2 {
				t.Errorf("%s%s: got %s, want %s", scheme, path, got, want)
			}
		}
	}
}

// TestPasswordsHidden sends neither clients nor the log the password of an address.
func TestPasswordsHidden(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	var log strings.Builder
	_, front := balance(t, proxy.Options{Log: slog.New(slog.NewTextHandler(&log, nil))},
		servers(strings.Replace(gone.URL, "://", "://me:hunter2@", 1)))
	status, body := fetch(t, front.URL)
	front.Close()
	if status != http.StatusBadGateway || !strings.Contains(body, gone.Listener.Addr().String()) || log.Len() == 0 ||
		strings.Contains(body+log.String(), "hunter2") {
		t.Errorf("got %d %s, and the log\n%s", status, body, log.String())
	}
}
