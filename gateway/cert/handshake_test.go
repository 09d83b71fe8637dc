package cert_test

import (
	"context"
	"crypto/tls"
	"testing"

	"axion/gateway/cert"
)

// BenchmarkCertificate is what a handshake spends on finding its certificate.
func BenchmarkCertificate(b *testing.B) {
	a, err := cert.New(cert.Options{Dir: b.TempDir(), Routed: func(context.Context, string) bool { return true }})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	config := a.TLSConfig(entry)
	hello := &tls.ClientHelloInfo{ServerName: "graph.localhost"}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := config.GetConfigForClient(hello); err != nil {
				b.Fatal(err)
			}
			if c, err := config.GetCertificate(hello); c == nil || err != nil {
				b.Fatal(c, err)
			}
		}
	})
}
