package loopback_test

import (
	"strings"
	"testing"

	"axion/web/loopback"
)

func TestOrigin(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]bool{
		"http://localhost:3000": true, "https://shop.apps.localhost": true, "http://127.0.0.1": true,
		"https://evil.example": false, "null": false, "file://localhost": false, "": false, "http://localhost.evil.example": false,
	} {
		if got := loopback.Origin(origin); got != want {
			t.Errorf("Origin(%q): got %t, want %t", origin, got, want)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"localhost": true, "a.b.localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "alocalhost": false, "localhost.example": false, "10.0.0.1": false, "fe80::1": false,
	} {
		if got := loopback.Name(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:80": true, "graph.localhost": true, "graph.localhost.:8443": true,
		"127.0.0.1": true, "127.9.9.9:1": true, "[::1]": true, "[::1]:3001": true, "::1": true,
		"": false, "example.com": false, "localhost.example.com": false, "notlocalhost": false,
		"192.168.1.1": false, "0.0.0.0": false, "example.com,.localhost": false, "127.0.0.1.example.com:80": false,
	} {
		if got := loopback.Host(host); got != want {
			t.Errorf("Host(%q): got %t, want %t", host, got, want)
		}
	}
}

func FuzzHost(f *testing.F) {
	for _, seed := range []string{"localhost", "LOCALHOST:1", "a.localhost.", "127.0.0.1:80", "[::1]", "::ffff:127.0.0.1", "evil.example", "",
		":", "localhost:evil.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !loopback.Host(host) {
			return
		}
		low := strings.ToLower(host)
		if !strings.Contains(low, "localhost") && !strings.Contains(low, "127.") && !strings.Contains(low, ":") {
			t.Errorf("Host(%q) is true", host)
		}
	})
}
