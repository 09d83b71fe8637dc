package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// startTimeout bounds a start, and a clean stop.
const startTimeout = 90 * time.Second

// killer kills the server, at times that the seed gives.
type killer struct {
	s    server
	o    options
	r    *report
	rng  *rand.Rand
	done <-chan struct{} // closed when the present process has ended

	starting, clean int // kills while it started; clean stops
}

// start starts the server and waits until it is ready.
func (k *killer) start(ctx context.Context) error {
	if err := k.launch(); err != nil {
		return err
	}
	return k.ready(ctx)
}

func (k *killer) launch() (err error) {
	k.r.starts()
	k.done, err = k.s.Launch()
	return err
}

func (k *killer) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return k.s.Ready(ctx)
}

// restart kills it once more.
func (k *killer) restart(ctx context.Context) error {
	k.s.Kill()
	return k.start(ctx)
}

// run kills it as often as it should. The server is up at its end.
func (k *killer) run(ctx context.Context) error {
	begun, reported := time.Now(), 0
	for n := 1; n <= k.o.kills; n++ {
		if err := k.wait(ctx, k.upTime()); err != nil {
			return err
		}
		if err := k.end(ctx); err != nil {
			return err
		}
		if k.rng.IntN(3) == 0 && !pause(ctx, time.Duration(k.rng.IntN(600))*time.Millisecond) {
			return ctx.Err()
		}
		if err := k.launch(); err != nil {
			return err
		}
		more, err := k.killStarting(ctx, k.o.kills-n)
		if err != nil {
			return err
		}
		n += more
		if err := k.ready(ctx); err != nil {
			return err
		}
		if n/20 > reported {
			reported = n / 20
			k.o.print("%s killed %d times in %s", time.Now().Format("15:04:05"), n, time.Since(begun).Round(time.Second))
		}
	}
	k.r.note("%d kills, %d of them while it started, and %d clean stops", k.o.kills, k.starting, k.clean)
	return k.wait(ctx, k.o.up)
}

// killStarting kills it in its recovery, perhaps again and again, at most so often. It
// returns how often it did.
func (k *killer) killStarting(ctx context.Context, most int) (n int, err error) {
	for k.o.starting && n < most && k.rng.IntN(4) == 0 {
		if !pause(ctx, time.Duration(k.rng.IntN(80))*time.Millisecond) {
			return n, ctx.Err()
		}
		k.s.Kill()
		n++
		k.starting++
		if err := k.launch(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// upTime is how long it is left in peace: at times hardly at all.
func (k *killer) upTime() time.Duration {
	limit := k.o.up
	if k.rng.IntN(4) == 0 {
		limit /= 10
	}
	return time.Duration(k.rng.Int64N(int64(limit)))
}

// end kills it, or stops it in order and starts it again, and then kills it.
func (k *killer) end(ctx context.Context) error {
	if k.o.starting && k.rng.IntN(12) == 0 {
		k.clean++
		ctx, cancel := context.WithTimeout(ctx, startTimeout)
		defer cancel()
		if err := k.s.Stop(ctx); err != nil {
			return err
		}
		if k.rng.IntN(2) == 0 { // what the stop has left is read by a start that is killed
			if err := k.launch(); err != nil {
				return err
			}
			pause(ctx, time.Duration(k.rng.IntN(40))*time.Millisecond)
			k.s.Kill()
		}
		if err := k.start(ctx); err != nil {
			return err
		}
		if err := k.wait(ctx, k.upTime()); err != nil {
			return err
		}
	}
	k.s.Kill()
	return nil
}

// wait leaves it at work.
func (k *killer) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-k.done:
		return errors.New("the broker ended by itself")
	case <-ctx.Done():
		return fmt.Errorf("interrupted: %w", ctx.Err())
	}
}
