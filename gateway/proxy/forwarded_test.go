package proxy_test

import (
	"crypto/tls"
	"net/http/httptest"
	"testing"

	"axion/gateway/proxy"
)

func TestForwarded(t *testing.T) {
	t.Parallel()
	describe := proxy.Forwarded(proxy.ForwardedOptions{})
	for _, tt := range []struct {
		name, host, connection, upgrade string
		tls                             bool
		proto, port                     string
	}{
		{"OK/http", "a.localhost", "", "", false, "http", "80"},
		{"OK/https", "a.localhost", "", "", true, "https", "443"},
		{"OK/port", "a.localhost:8443", "", "", true, "https", "8443"},
		{"OK/IPv6", "[::1]:8080", "", "", false, "http", "8080"},
		{"OK/ws", "a.localhost", "keep-alive, Upgrade", "websocket", false, "ws", "80"},
		{"OK/wss", "a.localhost", "upgrade", "WebSocket", true, "wss", "443"},
		{"OK/upgrade not in connection", "a.localhost", "close", "websocket", false, "http", "80"},
		{"OK/other upgrade", "a.localhost", "upgrade", "h2c", false, "http", "80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/", nil)
			r.Host, r.RemoteAddr = tt.host, "[::1]:5000"
			if tt.tls {
				r.TLS = &tls.ConnectionState{}
			}
			r.Header.Set("Connection", tt.connection)
			r.Header.Set("Upgrade", tt.upgrade)
			r.Header.Set("X-Forwarded-For", "6.6.6.6")
			r.Header.Set("X-Forwarded-Uri", "/admin")
			describe(r)
			for name, want := range map[string]string{
				"X-Forwarded-Proto": tt.proto, "X-Forwarded-Port": tt.port, "X-Forwarded-Host": tt.host,
				"X-Real-Ip": "::1", "X-Forwarded-For": "", "X-Forwarded-Uri": "",
			} {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}
