package services

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"axion/services/lifecycle"
)

// besideTime is how often a service beside a stack looks whether that still runs, or
// runs again.
const besideTime = 500 * time.Millisecond

// logDelay is by how much a stack's connections may end before its lock does.
const logDelay = 100 * time.Millisecond

var (
	// errStackEnded ends a service whose stack has: its broker's address may be
	// another's now, and the next stack's may be another, as the gateway's.
	errStackEnded = errors.New("the stack has ended")
	// errStackBack ends the wait for the next.
	errStackBack = errors.New("the stack is back")
)

// besideBroker reports whether the service is beside a stack whose broker ends with it.
func (s *serve) besideBroker() bool { return s.beside != nil && s.beside.OwnBroker }

// ended reports whether the stack has ended that the service is beside.
func (s *serve) ended() bool {
	now, err := s.deps.Running()
	return err != nil || now.Instance != s.beside.Instance
}

// stackLog drops warnings and errors of the moment at which the stack ends, and later
// ones: its broker's absence is what they are of, and the service ends too.
type stackLog struct {
	slog.Handler
	ended   func() bool
	pending *sync.RWMutex // read-locked while a record waits
}

// Handle implements [slog.Handler].
func (l *stackLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return l.Handler.Handle(ctx, r)
	}
	r = r.Clone()
	l.pending.RLock()
	go func() {
		defer l.pending.RUnlock()
		time.Sleep(logDelay)
		if !l.ended() {
			_ = l.Handler.Handle(context.WithoutCancel(ctx), r)
		}
	}()
	return nil
}

// WithAttrs implements [slog.Handler].
func (l *stackLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &stackLog{l.Handler.WithAttrs(attrs), l.ended, l.pending}
}

// WithGroup implements [slog.Handler].
func (l *stackLog) WithGroup(name string) slog.Handler {
	return &stackLog{l.Handler.WithGroup(name), l.ended, l.pending}
}

// watch ends the parts with errStackEnded once the stack has ended that the service is
// beside. A cluster that is not the stack's own outlives it: the service goes on then,
// until there is a stack with other addresses.
func (s *serve) watch(ctx context.Context, parts *lifecycle.Group) {
	if s.beside == nil {
		return
	}
	missed := 0
	s.poll(ctx, parts, errStackEnded, func() bool {
		now, err := s.deps.Running()
		switch {
		case err != nil:
			missed++ // once may be for want of a file descriptor
			return s.beside.OwnBroker && missed > 1
		case now.Instance == s.beside.Instance:
		case s.beside.OwnBroker || now.OwnBroker || now.Kafka != s.beside.Kafka,
			now.Database != s.beside.Database || now.HTTPSPort != s.beside.HTTPSPort:
			return true
		}
		missed = 0
		return false
	})
}

// poll ends the parts with an error once found reports true. It ends with ctx, and when the
// parts stop.
func (s *serve) poll(ctx context.Context, parts *lifecycle.Group, why error, found func() bool) {
	ctx, cancel := context.WithCancel(ctx)
	var polling sync.WaitGroup
	polling.Go(func() {
		tick := time.NewTicker(besideTime)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if found() {
				parts.Go(func() error { return why })
				return
			}
		}
	})
	parts.OnStop(func(context.Context) error {
		cancel()
		polling.Wait()
		return nil
	})
}

// serveNext waits for the next stack on the data directory, and serves beside that one.
func (s *serve) serveNext(ctx context.Context, name string) error {
	s.log.Warn("the stack has ended: waiting for the next one on its data directory", "service", name)
	var parts lifecycle.Group
	err := parts.Run(ctx, s.parent.Watch(&parts, false, false, s.log), func(ctx context.Context) error {
		s.poll(ctx, &parts, errStackBack, func() bool { _, err := s.deps.Running(); return err == nil })
		return nil
	})
	if !errors.Is(err, errStackBack) {
		return err
	}
	now := *s
	if err = now.validate(name); err == nil {
		err = now.serve(ctx, name, func(at string) error {
			s.log.Info("the stack is back: serving beside it", "service", name, "address", at, "kafka", now.beside.Kafka)
			return nil
		})
	}
	if _, gone := s.deps.Running(); err != nil && gone != nil {
		return errStackEnded // before the service had started
	}
	return err
}

// reuse has the service listen where it did, for those who know its address.
func (s *serve) reuse(at string) {
	listen := s.deps.Listen
	given := s.listen
	s.listen = at
	if _, port, err := net.SplitHostPort(given); err == nil && port == "0" {
		s.deps.Listen = func(address string) (net.Listener, error) {
			if l, err := listen(address); err == nil {
				return l, nil
			}
			return listen(given) // any port will do
		}
	}
}
