package infrastructure

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"axion/services/contract"
)

const (
	startCheckInterval = 50 * time.Millisecond // between checks until the first that is good
	checkInterval      = 2 * time.Second
	checkTimeout       = 3 * time.Second // of one check
	maxFailedChecks    = 3               // in a row, of a process that was healthy
)

// watch checks the process's health until it is lost, or ctx ends. It says why.
func (p *process) watch(ctx context.Context) error {
	transport := &http.Transport{DisableKeepAlives: true} // no proxy: it is on this machine
	client := &http.Client{
		Transport: transport, Timeout: checkTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	began, bad, healthy := time.Now(), 0, false
	tick := time.NewTicker(startCheckInterval)
	defer tick.Stop()
	for {
		err := p.check(ctx, client)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			if bad = 0; !healthy {
				healthy = true
				tick.Reset(checkInterval)
				p.recovered()
			}
			p.set(func(s *status) { s.state, s.problem = contract.StateRunning, "" })
		case healthy:
			p.set(func(s *status) { s.state, s.problem = contract.StateUnhealthy, err.Error() })
			if bad++; bad == maxFailedChecks {
				return fmt.Errorf("%d health checks failed, the last one: %w", bad, err)
			}
		case time.Since(began) > healthyTimeout:
			return fmt.Errorf("not healthy after %s: %w", healthyTimeout, err)
		default:
			p.set(func(s *status) { s.problem = err.Error() })
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// recovered notes that the process is healthy, and that it was once.
func (p *process) recovered() {
	select {
	case <-p.healthy:
	default:
		close(p.healthy)
	}
}

func (p *process) check(ctx context.Context, client *http.Client) error {
	path := cmp.Or(p.runtime.run.Health, "/health")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address(p)+path, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("health check: %w", err)
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	_ = res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("health check: GET %s answers %s", path, res.Status)
	}
	return nil
}
