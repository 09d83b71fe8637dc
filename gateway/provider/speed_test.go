package provider

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// town is a compose file with many services, each with a router of its own.
func town(n int) string {
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range n {
		fmt.Fprintf(&b, "  svc%d:\n    image: nginx:latest\n    labels:\n      - traefik.enable=true\n"+
			"      - traefik.http.routers.r%d.rule=Host(`h%d.localhost`)\n"+
			"      - traefik.http.services.r%d.loadbalancer.server.port=80\n", i, i, i, i)
	}
	return b.String()
}

func BenchmarkNew(b *testing.B) {
	path := b.TempDir() + "/compose.yaml"
	if err := os.WriteFile(path, []byte(town(10_000)), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p, err := New(Options{Files: []string{path}, EnvLookup: none})
		if err != nil || len(p.Dynamic().Routers) != 10_000 {
			b.Fatal(err, len(p.Dynamic().Routers))
		}
	}
}

// BenchmarkSave changes one label of many, and moves all that come after it.
func BenchmarkSave(b *testing.B) {
	path := b.TempDir() + "/compose.yaml"
	text := town(10_000)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	p, err := New(Options{Files: []string{path}, EnvLookup: none})
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		now := strings.Replace(text, "Host(`h5000.localhost`)", fmt.Sprintf("Host(`x%d.localhost`)%s", i, strings.Repeat("\n      - a=b", i%2)),
			1)
		if err := os.WriteFile(path, []byte(now), 0o600); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		p.scan(map[string]bool{path: true})
		if !p.resolve() {
			b.Fatal("no change")
		}
	}
}
