package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// special is a measurement that is not a load on all proxies.
type special struct {
	name string
	run  func(context.Context, *bench) error
}

func specials() []special {
	return []special{{"routers", manyRouters}, {"sockets", idleSockets}, {"reload", reloads}}
}

// manyRouters compares what a request costs with few and many routers, and says
// how long many take to load.
func manyRouters(ctx context.Context, b *bench) error {
	m := modes()[0]
	var few, many *proxy
	for _, n := range []int{10, 5000, 10000} {
		p := &proxy{name: fmt.Sprintf("%s with %d routers", ours, 2*n)}
		var text strings.Builder
		text.WriteString(service("bench", "Host(`"+benchHost+"`)", b.backend))
		for i := 1; i < n; i++ {
			text.WriteString(service(fmt.Sprintf("s%d", i), fmt.Sprintf("Host(`h%d.localhost`)", i), b.backend))
		}
		dir := filepath.Join(b.dir, fmt.Sprint("routers", n))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		start := time.Now()
		if err := launchOurs(ctx, p, dir, text.String()); err != nil {
			return err
		}
		b.ended = append(b.ended, p.stop)
		fmt.Printf("\n%d compose services of 2 routers each: process start to listening in %s, %.0f MB\n", n,
			time.Since(start).Round(time.Millisecond), memoryOf(p.pids()))
		switch n {
		case 10:
			few = p
		case 5000:
			many = p
		}
	}
	samples := make(map[string][]sample)
	for range b.rounds {
		for _, p := range []*proxy{few, many} {
			s, err := b.sample(ctx, m, p)
			if err != nil {
				return err
			}
			samples[p.name] = append(samples[p.name], s)
		}
	}
	printTable(os.Stdout, m, []*proxy{few, many}, samples)
	a, z := medianOf(samples[few.name]), medianOf(samples[many.name])
	fmt.Printf("CPU a request with many routers: %.2f times that with few\n", z.cpu/a.cpu)
	return nil
}

// idleSockets says what an idle WebSocket costs each proxy.
func idleSockets(ctx context.Context, b *bench) error {
	const count = 2000
	fmt.Printf("\n%d idle WebSockets\n", count)
	for _, p := range b.proxies {
		before := memoryOf(p.pids())
		var conns []net.Conn
		for range count {
			c, err := dial(ctx, mode{}, p)
			if err != nil {
				return err
			}
			conns = append(conns, c)
			_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+benchHost+
				"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
			if err != nil {
				return err
			}
			line, err := bufio.NewReaderSize(c, 512).ReadString('\n')
			if err != nil || !strings.Contains(line, "101") {
				fmt.Printf("%-8s answered %q, %v\n", p.name, line, err)
				break
			}
		}
		if len(conns) < count {
			continue
		}
		time.Sleep(3 * time.Second) // what connecting took is given back
		fmt.Printf("%-8s %.1f KiB each\n", p.name, (memoryOf(p.pids())-before)*1024/count)
		for _, c := range conns {
			_ = c.Close()
		}
	}
	return nil
}

// reloads says how soon a saved label is live, alone and in a burst.
func reloads(ctx context.Context, b *bench) error {
	p := &proxy{name: ours}
	dir := filepath.Join(b.dir, "reload")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := launchOurs(ctx, p, dir, service("bench", "Host(`"+benchHost+"`)", b.backend)); err != nil {
		return err
	}
	b.ended = append(b.ended, p.stop)
	for _, pause := range []time.Duration{300 * time.Millisecond, 0} {
		var took []sample
		for i := range 20 {
			path := fmt.Sprintf("/live-%d-%d/1", pause, i)
			rule := fmt.Sprintf("Host(`%s`) && PathPrefix(`/live-%d-%d/`)", benchHost, pause, i)
			start := time.Now()
			if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte("services:\n"+service("bench", rule, b.backend)), 0o600); err != nil {
				return err
			}
			if err := untilLive(ctx, p, path); err != nil {
				return err
			}
			took = append(took, sample{p50: time.Since(start)})
			time.Sleep(pause)
		}
		fmt.Printf("\na saved label is live after %s (median of 20, %s between them)\n", medianOf(took).p50.Round(100*time.Microsecond), pause)
	}
	return nil
}

func untilLive(ctx context.Context, p *proxy, path string) error {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		_, err := load(ctx, mode{conns: 1, method: "GET", path: path, answer: 1}, p, time.Millisecond)
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s is not live after 10 s", path)
}
