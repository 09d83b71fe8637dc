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
	firstChecks = 50 * time.Millisecond // between checks until the first that is good
	laterChecks = 2 * time.Second
	checkTime   = 3 * time.Second // of one check
	badChecks   = 3               // in a row, of a process that was healthy
)

// watch checks the process's health until it is lost, or ctx ends. It says why.
func (p *process) watch(ctx context.Context) error {
	transport := &http.Transport{DisableKeepAlives: true} // no proxy: it is on this machine
	client := &http.Client{
		Transport: transport, Timeout: checkTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	began, bad, healthy := time.Now(), 0, false
	tick := time.NewTicker(firstChecks)
	defer tick.Stop()
	for {
		err := p.check(ctx, client)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			if bad = 0; !healthy {
				healthy = true
				tick.Reset(laterChecks)
				p.recovered()
			}
			p.set(func(s *status) { s.state, s.problem = contract.StateRunning, "" })
		case healthy:
			p.set(func(s *status) { s.state, s.problem = contract.StateUnhealthy, err.Error() })
			if bad++; bad == badChecks {
				return fmt.Errorf("%d health checks failed, the last one: %w", bad, err)
			}
		case time.Since(began) > healthyTime:
			return fmt.Errorf("not healthy after %s: %w", healthyTime, err)
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
	path := cmp.Or(p.rt.run.Health, "/health")
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
