package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/sync/errgroup"
)

// clientHTTP2 is one connection of several streams, each of which sends a request
// after the other.
func clientHTTP2(ctx context.Context, m mode, p *proxy, i int, start, end time.Time, t *tally) error {
	c, err := dial(ctx, m, p, "h2")
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	conn, err := (&http2.Transport{}).NewClientConn(c)
	if err != nil {
		return err
	}
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
				req, err := http.NewRequestWithContext(ctx, m.method, "https://"+benchHost+m.path, nil)
				if err != nil {
					return err
				}
				res, err := conn.RoundTrip(req)
				if err != nil {
					return err
				}
				_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, res.Body, buffer)
				_ = res.Body.Close()
				if err != nil || res.StatusCode != http.StatusOK {
					return fmt.Errorf("the answer is %s: %w", res.Status, err)
				}
				took = append(took, time.Since(at))
			}
		})
	}
	return streams.Wait()
}
