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
