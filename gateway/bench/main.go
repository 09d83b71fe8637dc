// Command bench measures the gateway beside the proxies that it finds on the
// machine: nginx, haproxy, caddy and traefik. All get the same backend and the same
// load, in interleaved rounds; the table shows medians, and ratios to ours.
//
// CPU seconds per 100,000 requests is the figure to trust: load, proxy and backend
// share the machine.
//
//	go run ./gateway/bench [-rounds 5] [-time 3s] [-only http,https,h2,…]
//
// AXION_BENCH_PROFILE=FILE writes a CPU profile of the gateway.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	if role, ok := roles[os.Getenv(roleVariable)]; ok {
		exit(role(context.Background()))
		return // else each role would become a bench
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// options of a run.
type options struct {
	rounds int
	length time.Duration
	only   []string
	peers  []string
}

func parse() options {
	rounds := flag.Int("rounds", 5, "how often each proxy is measured in each mode")
	length := flag.Duration("time", 3*time.Second, "how long each measurement takes")
	only := flag.String("only", "", "modes to measure, by comma; all if empty")
	peers := flag.String("peers", "", "proxies to measure beside ours, by comma; all that are found if empty")
	flag.Parse()
	split := func(s string) []string {
		return slices.DeleteFunc(strings.Split(s, ","), func(s string) bool { return s == "" })
	}
	return options{rounds: max(*rounds, 1), length: *length, only: split(*only), peers: split(*peers)}
}

func run(ctx context.Context) error {
	o := parse()
	dir, err := os.MkdirTemp("", "axion-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{options: o, dir: dir}
	defer b.stop()
	if err := b.start(ctx); err != nil {
		return err
	}
	for _, m := range modes() {
		if len(o.only) > 0 && !slices.Contains(o.only, m.name) {
			continue
		}
		if err := b.measure(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	for _, s := range specials() {
		if len(o.only) > 0 && !slices.Contains(o.only, s.name) {
			continue
		}
		if err := s.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// bench is one run, with the processes that it started.
type bench struct {
	options
	dir     string
	backend string // address
	proxies []*proxy
	ended   []func()
}

func (b *bench) start(ctx context.Context) error {
	address, _, stop, err := spawnRole(ctx, "backend", b.dir)
	if err != nil {
		return err
	}
	b.backend, b.ended = address, append(b.ended, stop)
	if err := writeCertificate(b.dir); err != nil {
		return err
	}
	for _, p := range candidates() {
		if p.name != ours && len(b.peers) > 0 && !slices.Contains(b.peers, p.name) {
			continue
		}
		at := filepath.Join(b.dir, p.name)
		if err := os.Mkdir(at, 0o700); err != nil {
			return err
		}
		err := p.launch(ctx, at, b.dir, b.backend)
		if errors.Is(err, errNotFound) {
			fmt.Printf("%s is not installed\n", p.name)
			continue
		}
		if err != nil {
			return fmt.Errorf("start %s: %w", p.name, err)
		}
		b.proxies, b.ended = append(b.proxies, p), append(b.ended, p.stop)
	}
	return nil
}

func (b *bench) stop() {
	for _, f := range slices.Backward(b.ended) {
		f()
	}
}

// measure interleaves the rounds of one mode and prints its table.
func (b *bench) measure(ctx context.Context, m mode) error {
	samples := make(map[string][]sample)
	for range b.rounds {
		for _, p := range b.proxies {
			s, err := b.sample(ctx, m, p)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			samples[p.name] = append(samples[p.name], s)
		}
	}
	printTable(os.Stdout, m, b.proxies, samples)
	return nil
}

// sample is one measurement of one proxy.
func (b *bench) sample(ctx context.Context, m mode, p *proxy) (sample, error) {
	if _, err := load(ctx, m, p, 200*time.Millisecond); err != nil { // connections, code and caches warm
		return sample{}, err
	}
	before := cpuOf(p.pids())
	s, err := load(ctx, m, p, b.length)
	if err != nil {
		return sample{}, err
	}
	s.cpu = (cpuOf(p.pids()) - before).Seconds() * 100_000 / float64(max(s.requests, 1))
	s.memory = memoryOf(p.pids())
	return s, nil
}
