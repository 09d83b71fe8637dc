package middleware_test

import (
	"net/http"
	"testing"

	"axion/gateway/config"
)

// sink is a response writer that costs nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkContent(b *testing.B) {
	body := []byte(long)
	service := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	for _, bb := range []struct {
		name, accept string
		m            config.Middleware
	}{
		{"retry", "", retrying(3)},
		{"circuitbreaker", "", breaking("NetworkErrorRatio() > 0.5")},
		{"compress/none", "", compressing(config.Compress{})},
		{"compress/excluded", "gzip", compressing(config.Compress{ExcludedContentTypes: []string{"text/plain"}})},
		{"compress/gzip", "gzip", compressing(config.Compress{})},
		{"compress/br", "br", compressing(config.Compress{})},
		{"compress/zstd", "zstd", compressing(config.Compress{})},
	} {
		b.Run(bb.name, func(b *testing.B) {
			h := buildIn(b, env, bb.m, service)
			r := mustRequest(b, "")
			r.Header.Set("User-Agent", "bench")
			if bb.accept != "" {
				r.Header.Set("Accept-Encoding", bb.accept)
			}
			w := &sink{header: make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				w.header["Content-Type"] = plain
				h.ServeHTTP(w, r)
			}
		})
	}
}

var plain = []string{"text/plain"}
