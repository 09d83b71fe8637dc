package host

import (
	"net/http/httptest"
	"testing"
)

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

func TestLocalHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:80": true, "graph.localhost": true, "graph.localhost.:8443": true,
		"127.0.0.1": true, "127.9.9.9:1": true, "[::1]": true, "[::1]:3001": true, "::1": true,
		"": false, "example.com": false, "localhost.example.com": false, "notlocalhost": false,
		"192.168.1.1": false, "0.0.0.0": false, "example.com,.localhost": false, "127.0.0.1.example.com:80": false,
	} {
		if got := LocalHost(host); got != want {
			t.Errorf("LocalHost(%q): got %t, want %t", host, got, want)
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
