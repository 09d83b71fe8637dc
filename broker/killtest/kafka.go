package main

import (
	"context"
	"fmt"
	"testing"

	"axion/services/clustertest"
)

// kafka is Apache Kafka as a server.
type kafka struct {
	s    *clustertest.Server
	done chan struct{}
}

// program stands for a test in a program, which has none.
type program struct {
	testing.TB
	cleanups []func()
}

func (p *program) Helper()                         {}
func (p *program) Cleanup(fn func())               { p.cleanups = append(p.cleanups, fn) }
func (p *program) Fatal(args ...any)               { panic(programError{fmt.Sprint(args...)}) }
func (p *program) Fatalf(text string, args ...any) { panic(programError{fmt.Sprintf(text, args...)}) }
func (p *program) Skip(args ...any)                { p.Fatal(args...) }

// end does what the end of a test does.
func (p *program) end() {
	for len(p.cleanups) > 0 {
		last := len(p.cleanups) - 1
		fn := p.cleanups[last]
		p.cleanups = p.cleanups[:last]
		fn()
	}
}

// programError ends what a test would have ended.
type programError struct{ text string }

func (e programError) Error() string { return e.text }

// try runs what may call Fatal.
func try(fn func()) (err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case programError:
			err = e
		default:
			panic(e)
		}
	}()
	fn()
	return nil
}

// openKafka makes a node that is not started.
func openKafka() (server, func(), error) {
	p := &program{}
	k := &kafka{}
	if err := try(func() { k.s = clustertest.NewKafka(p) }); err != nil {
		p.end()
		return nil, nil, err
	}
	return k, p.end, nil
}

func (k *kafka) Launch() (<-chan struct{}, error) {
	k.done = make(chan struct{})
	return k.done, try(k.s.Start)
}

// Ready: Launch has waited already.
func (k *kafka) Ready(context.Context) error { return nil }

func (k *kafka) Kill() { k.s.Stop() }

func (k *kafka) Stop(context.Context) error {
	k.s.Stop()
	return nil
}

func (k *kafka) Addr() string { return k.s.ListenAddrs()[0] }
