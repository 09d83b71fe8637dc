package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// sample is what one measurement gave.
type sample struct {
	requests int
	perSec   float64
	p50, p99 time.Duration
	cpu      float64 // seconds per 100,000 requests
	memory   float64 // MB
}

// tally collects how long requests took.
type tally struct {
	mu   sync.Mutex
	took []time.Duration
}

func (t *tally) add(took []time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took = append(t.took, took...)
}

// load sends a mode's requests for that long.
func load(ctx context.Context, m mode, p *proxy, length time.Duration) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, length+30*time.Second)
	defer cancel()
	t := &tally{}
	start := time.Now()
	client := clientHTTP1
	if m.h2 {
		client = clientHTTP2
	}
	var clients errgroup.Group
	for i := range m.conns {
		clients.Go(func() error { return client(ctx, m, p, i, start, start.Add(length), t) })
	}
	if err := clients.Wait(); err != nil {
		return sample{}, err
	}
	took := time.Since(start)
	slices.Sort(t.took)
	n := len(t.took)
	if n == 0 {
		return sample{}, fmt.Errorf("no request was answered within %s", length)
	}
	return sample{requests: n, perSec: float64(n) / took.Seconds(), p50: t.took[n/2], p99: t.took[n*99/100]}, nil
}

func dial(ctx context.Context, m mode, p *proxy, protocols ...string) (net.Conn, error) {
	if !m.tls {
		return (&net.Dialer{}).DialContext(ctx, "tcp", p.plain)
	}
	// The proxies' certificates are their own affair here.
	d := tls.Dialer{Config: &tls.Config{ServerName: benchHost, InsecureSkipVerify: true, NextProtos: protocols}}
	return d.DialContext(ctx, "tcp", p.secure)
}

// clientHTTP1 is one connection that sends a request after the other.
func clientHTTP1(ctx context.Context, m mode, p *proxy, i int, start, end time.Time, t *tally) error {
	c, err := dial(ctx, m, p, "http/1.1")
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(end.Add(20 * time.Second))
	request := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n", m.method, m.path, benchHost)
	if m.body > 0 {
		request = fmt.Appendf(request, "Content-Length: %d\r\n", m.body)
	}
	request = append(append(request, "\r\n"...), make([]byte, m.body)...)
	r := bufio.NewReaderSize(c, 64<<10)
	var took []time.Duration
	defer func() { t.add(took) }()
	next := pace(m, i, start)
	for {
		at, ok := next(end)
		if !ok {
			return nil
		}
		if _, err := c.Write(request); err != nil {
			return err
		}
		if n, err := skipAnswer(r); err != nil || n != m.answer {
			return fmt.Errorf("an answer of %d bytes, not %d: %w", n, m.answer, err)
		}
		took = append(took, time.Since(at))
	}
}

// pace says when each request of a connection is due. A request that is late for
// its turn counts from then, so that a queue shows.
func pace(m mode, i int, start time.Time) func(end time.Time) (time.Time, bool) {
	if m.rate == 0 {
		return func(end time.Time) (time.Time, bool) {
			now := time.Now()
			return now, now.Before(end)
		}
	}
	interval := time.Duration(m.conns) * time.Second / time.Duration(m.rate)
	due := start.Add(interval * time.Duration(i) / time.Duration(m.conns))
	return func(end time.Time) (time.Time, bool) {
		at := due
		due = due.Add(interval)
		if at.After(end) {
			return at, false
		}
		time.Sleep(time.Until(at))
		return at, true
	}
}

// skipAnswer reads one answer, checks that it is 200, and gives its body's length.
func skipAnswer(r *bufio.Reader) (int, error) {
	length, chunked := 0, false
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first && !bytes.Contains(line, []byte(" 200")):
			return 0, fmt.Errorf("the answer is %q", line)
		case hasName(line, "content-length:"):
			length, _ = strconv.Atoi(string(bytes.TrimSpace(line[len("content-length:"):])))
		case hasName(line, "transfer-encoding:"):
			chunked = true
		}
		if len(line) == 0 {
			break
		}
	}
	if chunked {
		return skipChunks(r)
	}
	return r.Discard(length)
}
