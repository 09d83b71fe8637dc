package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

// What a cookie cannot have is left out or replaced, and it sticks.
func TestStickyOddSettings(t *testing.T) {
	t.Parallel()
	sticky := &config.Sticky{Cookie: &config.Cookie{Name: "who is\u00e9;it", SameSite: "strct"}}
	urls, _ := named(t, "a", "b")
	children := []proxy.Service{balancer(t, "a", servers(urls[0])), balancer(t, "b", servers(urls[1]))}
	weighted, err := proxy.NewWeighted("w", &config.Weighted{Services: []config.WeightedService{{Name: "a"}, {Name: "b"}}, Sticky: sticky},
		children)
	if err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]http.Handler{
		"OK/Balancer": balancer(t, "svc", &config.LoadBalancer{Servers: servers(urls...).Servers, Sticky: sticky}),
		"OK/Weighted": weighted,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(h)
			line := w.Header().Get("Set-Cookie")
			if !strings.HasPrefix(line, "who_is__it=") || strings.Contains(line, "SameSite") {
				t.Errorf("cookie: got %q, want who_is__it without SameSite", line)
			}
			again := ask(h, func(r *http.Request) { r.Header.Set("Cookie", strings.Split(line, ";")[0]) })
			if again.Body.String() != w.Body.String() || again.Header().Get("Set-Cookie") != "" {
				t.Errorf("again: got %q, want %q", again.Body, w.Body)
			}
		})
	}
}

// An X-Forwarded-For that a middleware removed is not added again, whatever the client.
func TestForwardedForRemoved(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "h2c", "https"} {
		t.Run("OK/"+scheme, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, strings.Join(r.Header["X-Forwarded-For"], "|"))
			}))
			s.Config.Protocols = new(http.Protocols)
			s.Config.Protocols.SetHTTP1(true)
			s.Config.Protocols.SetUnencryptedHTTP2(true)
			if scheme == "https" {
				s.StartTLS()
			} else {
				s.Start()
			}
			t.Cleanup(s.Close)
			p := proxy.New(proxy.Options{})
			tr, err := p.Transport(&config.ServersTransport{InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(tr.Close)
			b, err := p.Balancer("svc", servers(scheme+"://"+s.Listener.Addr().String()), tr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Close)
			for want, values := range map[string][]string{"": nil, "1.1.1.1, 2.2.2.2, 192.0.2.1": {"1.1.1.1", "2.2.2.2"}} {
				if got := ask(b, func(r *http.Request) { r.Header["X-Forwarded-For"] = values }).Body.String(); got != want {
					t.Errorf("%v: the server saw %q, want %q", values, got, want)
				}
			}
		})
	}
}
