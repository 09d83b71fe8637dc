package tcp

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"axion/gateway/config"
	"axion/gateway/probe"
)

const (
	checkInterval = 30 * time.Second
	checkTimeout  = 5 * time.Second
	maxExpect     = 64 << 10 // bytes
)

// check probes servers as one service's health check says.
type check struct {
	config    *config.TCPHealthCheck
	interval  time.Duration // while up
	unhealthy time.Duration // while down
	timeout   time.Duration
}

func newCheck(c *config.TCPHealthCheck) (*check, error) {
	if c.Port < 0 || c.Port > 65535 {
		return nil, fmt.Errorf("healthcheck.port %d is not a port", c.Port)
	}
	if len(c.Expect) > maxExpect {
		return nil, fmt.Errorf("healthcheck.expect is longer than %d bytes", maxExpect)
	}
	k := &check{config: c, interval: checkPositive(c.Interval, checkInterval), timeout: checkPositive(c.Timeout, checkTimeout)}
	k.unhealthy = checkPositive(c.UnhealthyInterval, k.interval)
	return k, nil
}

func checkPositive(d config.Duration, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return time.Duration(d)
}

// loop asks s, one of b's, once begin is closed.
func (k *check) loop(b *balancer, s *server, begin <-chan struct{}) *probe.Loop {
	return probe.New(probe.Options{
		Ask:      func(ctx context.Context) error { return k.probe(ctx, s) },
		Set:      func(failure error) { b.set(s, failure) },
		Interval: k.interval, Unhealthy: k.unhealthy, Begin: begin,
	})
}

// set records the outcome of a check; failure is nil for a healthy server.
func (b *balancer) set(s *server, failure error) {
	switch was := s.down.Swap(failure != nil); {
	case was == (failure != nil):
	case failure != nil:
		b.log.Warn("server is down", "service", b.name, "address", s.address, "error", failure)
	default:
		b.log.Info("server is up", "service", b.name, "address", s.address)
	}
}

func (k *check) probe(ctx context.Context, s *server) error {
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	address := s.address
	if k.config.Port > 0 {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return err
		}
		address = net.JoinHostPort(host, strconv.Itoa(k.config.Port))
	}
	conn, err := s.way.dial(ctx, address, s.tls, nil)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	if err = k.exchange(conn); err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	return nil
}

// exchange sends and expects what the check says.
func (k *check) exchange(conn net.Conn) error {
	if k.config.Send != "" {
		if _, err := io.WriteString(conn, k.config.Send); err != nil {
			return err
		}
	}
	if k.config.Expect == "" {
		return nil
	}
	got := make([]byte, len(k.config.Expect))
	n, err := io.ReadFull(conn, got)
	if !bytes.Equal(got[:n], []byte(k.config.Expect)) {
		return fmt.Errorf("health check: %w", cmp.Or(err, errors.New("the server did not answer what is expected")))
	}
	return nil
}
