package proxy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

func TestStickyCookie(t *testing.T) {
	t.Parallel()
	path := "/x"
	sticky := &config.Sticky{Cookie: &config.Cookie{Name: "who", Secure: true, HTTPOnly: true, SameSite: "Strict", MaxAge: 9, Path: &path,
		Domain: "a.localhost"}}
	urls, _ := named(t, "a", "b")
	lb := servers(urls...)
	lb.Sticky = sticky
	weighted, err := proxy.NewWeighted("w", &config.Weighted{Sticky: sticky, Services: []config.WeightedService{{Name: "a"}}},
		[]proxy.Service{balancer(t, "a", servers(urls[0]))})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]http.Handler{"loadBalancer": balancer(t, "svc", lb), "weighted": weighted} {
		got := ask(s).Header().Get("Set-Cookie")
		_, rest, _ := strings.Cut(got, ";")
		if !strings.HasPrefix(got, "who=") || rest != " Path=/x; Domain=a.localhost; Max-Age=9; HttpOnly; Secure; SameSite=Strict" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestFlushInterval(t *testing.T) {
	t.Parallel()
	for name, interval := range map[string]time.Duration{"OKAtOnce": -1, "OKSoon": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := make(chan struct{})
			lb := servers(serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "4")
				_, _ = io.WriteString(w, "ab")
				_ = http.NewResponseController(w).Flush()
				<-read
				_, _ = io.WriteString(w, "cd")
			}))
			lb.ResponseForwarding = &config.ResponseForwarding{FlushInterval: config.Duration(interval)}
			_, s := balance(t, proxy.Options{}, lb)
			c := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := c.Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			first := make([]byte, 2)
			_, err = io.ReadFull(resp.Body, first)
			close(read) // whatever came: the server is to end
			rest, _ := io.ReadAll(resp.Body)
			if err != nil || string(first)+string(rest) != "abcd" {
				t.Errorf("got %q and %q, %v", first, rest, err)
			}
		})
	}
}

func TestPreservePath(t *testing.T) {
	t.Parallel()
	up := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	for preserve, want := range map[bool]string{false: "/", true: "/base/"} {
		lb := &config.LoadBalancer{Servers: []config.Server{{URL: up + "/base", PreservePath: preserve}}}
		if got := ask(balancer(t, "svc", lb)).Body.String(); got != want {
			t.Errorf("preservePath %t: got %q, want %q", preserve, got, want)
		}
	}
}

// A service of services is as healthy as its children where its healthCheck says so,
// and always up where it does not.
func TestChildHealth(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(h *config.ChildHealth, child proxy.Service) (proxy.Service, error){
		"weighted": func(h *config.ChildHealth, child proxy.Service) (proxy.Service, error) {
			return proxy.NewWeighted("w", &config.Weighted{Services: []config.WeightedService{{Name: "a"}}, HealthCheck: h}, []proxy.Service{child})
		},
		"highestRandomWeight": func(h *config.ChildHealth, child proxy.Service) (proxy.Service, error) {
			return proxy.NewHRW("h", &config.HighestRandomWeight{Services: []config.WeightedService{{Name: "a"}}, HealthCheck: h},
				[]proxy.Service{child})
		},
		"mirroring": func(h *config.ChildHealth, child proxy.Service) (proxy.Service, error) {
			return proxy.NewMirroring("m", &config.Mirroring{HealthCheck: h}, child, nil, nil)
		},
		"failover": func(h *config.ChildHealth, child proxy.Service) (proxy.Service, error) {
			return proxy.NewFailover("f", &config.Failover{HealthCheck: h}, child, child)
		},
	} {
		for _, h := range []*config.ChildHealth{nil, {}} {
			child := newFlaky("child ", 200)
			s, err := build(h, child)
			if err != nil {
				t.Fatal(err)
			}
			child.set(false)
			if s.Up() != (h == nil) {
				t.Errorf("%s, healthCheck %t: up %t", name, h != nil, s.Up())
			}
			s.Close()
			if len(child.told) > 0 {
				t.Errorf("%s, healthCheck %t: closed, it has %d callbacks at its child", name, h != nil, len(child.told))
			}
		}
	}
}

// Of services by the highest random weight, one without weight gets nobody, and one
// of more weight more clients.
func TestHighestRandomWeight(t *testing.T) {
	t.Parallel()
	none, nine := 0, 9
	children := []proxy.Service{newFlaky("a", 200), newFlaky("b", 200), newFlaky("c", 200)}
	s, err := proxy.NewHRW("h", &config.HighestRandomWeight{Services: []config.WeightedService{{Name: "a", Weight: &nine}, {Name: "b"},
		{Name: "c", Weight: &none}}}, children)
	if err != nil {
		t.Fatal(err)
	}
	hits := map[string]int{}
	for i := range 200 {
		hits[ask(s, func(r *http.Request) { r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1", i%7, i) }).Body.String()]++
	}
	if hits["a"] <= hits["b"] || hits["b"] == 0 || hits["c"] != 0 {
		t.Errorf("got %v", hits)
	}
}

// A fenced server serves only clients that stick to it.
func TestFenced(t *testing.T) {
	t.Parallel()
	urls, hits := named(t, "a", "b")
	lb := servers(urls...)
	lb.Servers[0].Fenced = true
	lb.Sticky = &config.Sticky{Cookie: &config.Cookie{Name: "at"}}
	b := balancer(t, "svc", lb)
	for range 6 {
		ask(b)
	}
	if hits["a"].Load() != 0 || hits["b"].Load() != 6 {
		t.Errorf("got %d at the fenced server, %d at the other", hits["a"].Load(), hits["b"].Load())
	}
	sum := sha256.Sum256([]byte(urls[0]))
	w := ask(b, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "at", Value: hex.EncodeToString(sum[:])[:16]}) })
	if w.Body.String() != "a" {
		t.Errorf("a client that sticks to it: got %q", w.Body)
	}
}
