package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"

	"axion/gateway"
	"axion/gateway/listen"
)

// ours is the proxy that all others are compared with.
const ours = "axion"

// profileVariable names the file that a CPU profile of the gateway goes to.
const profileVariable = "AXION_BENCH_PROFILE"

// serveOurs is the gateway alone, on the compose file of the directory that it is
// started in, with metrics on and the access log off.
func serveOurs(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	plain, err := listen.Listen("0")
	if err != nil {
		return err
	}
	secure, err := listen.Listen("0")
	if err != nil {
		return err
	}
	//nolint:contextcheck // it runs until it is closed
	g, err := gateway.New(gateway.Options{Web: plain, WebSecure: secure, Files: []string{"compose.yaml"}, CADir: "ca"})
	if err != nil {
		return err
	}
	if path := os.Getenv(profileVariable); path != "" {
		file, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	g.Start() //nolint:contextcheck // it lives until Close
	fmt.Println(plain.Addr(), secure.Addr())
	go func() { // ends with its parent
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	<-ctx.Done()
	return g.Close(context.WithoutCancel(ctx))
}

// launchOurs starts the gateway with these compose services.
func launchOurs(ctx context.Context, p *proxy, dir, services string) error {
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte("services:\n"+services), 0o600); err != nil {
		return err
	}
	line, pid, stop, err := spawnRole(ctx, ours, dir)
	if err != nil {
		return err
	}
	if _, err := fmt.Sscan(line, &p.plain, &p.secure); err != nil {
		return fmt.Errorf("read the addresses %q: %w", line, err)
	}
	p.pid, p.stop = pid, stop
	return nil
}

// service is a compose service whose router takes host, over HTTP and HTTPS.
func service(name, rule, backend string) string {
	return fmt.Sprintf(`  %[1]s:
    labels:
      traefik.http.routers.%[1]s.rule: %[2]s
      traefik.http.routers.%[1]s.service: %[1]s
      traefik.http.routers.%[1]s-tls.rule: %[2]s
      traefik.http.routers.%[1]s-tls.tls: "true"
      traefik.http.routers.%[1]s-tls.service: %[1]s
      traefik.http.services.%[1]s.loadbalancer.server.url: http://%[3]s
`, name, rule, backend)
}

// freePort is one that nothing listens on for now.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
