package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// clientHTTP2 is one connection of several streams, each of which sends a request
// after the other.
func clientHTTP2(ctx context.Context, m mode, p *proxy, i int, start, end time.Time, t *tally) error {
	way := &http.Transport{ForceAttemptHTTP2: true,
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, m, p, "h2") }}
	conn, err := way.NewClientConn(ctx, "https", benchHost+":443")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var streams errgroup.Group
	for range m.streams {
		streams.Go(func() error {
			var took []time.Duration
			defer func() { t.add(took) }()
			next := pace(m, i, start)
			buffer := make([]byte, 64<<10)
			for {
				at, ok := next(end)
				if !ok {
					return nil
				}
				if err := requestHTTP2(ctx, m, conn, buffer); err != nil {
					return err
				}
				took = append(took, time.Since(at))
			}
		})
	}
	return streams.Wait()
}

// requestHTTP2 sends one request and reads its answer.
func requestHTTP2(ctx context.Context, m mode, conn *http.ClientConn, buffer []byte) error {
	req, err := http.NewRequestWithContext(ctx, m.method, "https://"+benchHost+m.path, nil)
	if err != nil {
		return err
	}
	res, err := conn.RoundTrip(req)
	if err != nil {
		return err
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, res.Body, buffer)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || int(n) != m.answer {
		return fmt.Errorf("the answer is %s, of %d bytes: %w", res.Status, n, err)
	}
	return nil
}
