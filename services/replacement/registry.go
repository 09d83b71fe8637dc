// Package replacement lets processes of the user's take the place of a builtin on any
// port: they ask the running stack where they listen, for as long as they run.
//
// A registrant connects to the [Registry], which listens on loopback alone, says a secret
// that only the stack's user can read, and keeps the connection: its end is theirs,
// however they ended. A registry that closes ends its side first, and gives them the time
// to leave the consumer groups of a broker that is to end too.
package replacement

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// sayTime bounds what either side waits for the other's line.
	sayTime = 5 * time.Second
	// leaveTimeout bounds what a registry waits for its registrants when it closes.
	leaveTimeout = time.Second
	// maxLine bounds a line, in bytes, and maxRegistrants how many there are at once.
	maxLine        = 4 << 10
	maxRegistrants = 64
)

// claim is what a registrant says, in one line of JSON.
type claim struct {
	Secret  string `json:"secret"`
	Service string `json:"service"`
	Address string `json:"address"` // "host:port", where it listens
}

// answer is what it is answered, in one line too.
type answer struct {
	Error string `json:"error,omitempty"` // why it is not registered
}

// Options of a [Registry].
type Options struct {
	// Fixed are the addresses of a service that stay: given by flags, or builtins'.
	Fixed map[string][]string
	// Listen opens a "host:port" address, to this user of the machine alone. Nil: to all
	// who know the secret.
	Listen func(addr string) (net.Listener, error)
	// CheckReplaceable says why nobody may take a service's place, or nil. Required.
	CheckReplaceable func(service string) error
	// Log says who came and went. Nil discards.
	Log *slog.Logger
}

// Registry knows where replacements listen. It is safe for concurrent use.
type Registry struct {
	opts     Options
	listener net.Listener
	secret   string
	serving  sync.WaitGroup

	mu      sync.Mutex
	moved   func(service string, addresses []string) error // nil until Follow
	claimed map[string][]string                            // one that is claimed twice is there twice
	conns   map[net.Conn]bool                              // whether it is registered
	closed  bool
}

// New listens on a free port of loopback. Close the registry.
func New(opts Options) (*Registry, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Listen == nil {
		opts.Listen = func(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }
	}
	l, err := opts.Listen("localhost:0")
	if err != nil {
		return nil, fmt.Errorf("listen for replacements: %w", err)
	}
	r := &Registry{opts: opts, listener: l, secret: rand.Text(), claimed: map[string][]string{}, conns: map[net.Conn]bool{}}
	r.serving.Go(r.accept)
	return r, nil
}

// Place is where the registry listens, and the secret for it, which is for the stack's
// user alone.
func (r *Registry) Place() (address, secret string) { return r.listener.Addr().String(), r.secret }

// Addresses are where a service is now, fixed ones first, each once.
func (r *Registry) Addresses(service string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.addresses(service)
}

func (r *Registry) addresses(service string) []string {
	var all []string
	for _, a := range slices.Concat(r.opts.Fixed[service], r.claimed[service]) {
		if !slices.Contains(all, a) && !slices.Contains(all, asLocalhost(a)) {
			all = append(all, a)
		}
	}
	return all
}

// asLocalhost is an address on loopback, 127.0.0.1 or ::1, by the name that leads to both.
func asLocalhost(address string) string {
	host, port, _ := net.SplitHostPort(address)
	if host == "127.0.0.1" || host == "::1" {
		return net.JoinHostPort("localhost", port)
	}
	return address
}

// Follow has moved called when a service's addresses change, one call at a time. An error
// of it refuses who came. Until then nobody is registered.
func (r *Registry) Follow(moved func(service string, addresses []string) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved = moved
}

// Close asks the registrants to leave, by the end of its side of their connections, and
// waits until they have ended theirs, for a second and no longer than ctx. Later calls do
// nothing.
func (r *Registry) Close(ctx context.Context) {
	until := time.Now().Add(leaveTimeout)
	if end, ok := ctx.Deadline(); ok && end.Before(until) {
		until = end
	}
	r.mu.Lock()
	r.closed = true
	_ = r.listener.Close()
	for c, registered := range r.conns {
		half, ok := c.(interface{ CloseWrite() error })
		if !registered || !ok || half.CloseWrite() != nil {
			_ = c.Close()
		}
		_ = c.SetReadDeadline(until)
	}
	r.mu.Unlock()
	r.serving.Wait()
}

func (r *Registry) accept() {
	for {
		c, err := r.listener.Accept()
		if err != nil {
			return // closed; whatever else it is, a replacement still has --without
		}
		r.mu.Lock()
		if r.closed || len(r.conns) >= maxRegistrants {
			_ = c.Close()
		} else {
			r.conns[c] = false
			r.serving.Go(func() { r.serve(c) })
		}
		r.mu.Unlock()
	}
}

// errSecret is what somebody is answered who does not know the secret.
var errSecret = errors.New("it does not know the stack's secret: run axion serve in the stack's folder, or with its --data")

// serve hears one registrant out, and keeps it registered until its connection ends.
func (r *Registry) serve(c net.Conn) {
	defer func() {
		r.mu.Lock()
		delete(r.conns, c)
		r.mu.Unlock()
		_ = c.Close()
	}()
	_ = c.SetDeadline(time.Now().Add(sayTime))
	var said claim
	in := &io.LimitedReader{R: c, N: maxLine}
	err := json.NewDecoder(in).Decode(&said)
	if err != nil || subtle.ConstantTimeCompare([]byte(said.Secret), []byte(r.secret)) != 1 {
		err = errSecret
	} else {
		err = r.add(&said)
	}
	if err != nil {
		_ = json.NewEncoder(c).Encode(answer{Error: err.Error()})
		return
	}
	defer r.remove(said)
	if json.NewEncoder(c).Encode(answer{}) != nil || !r.track(c) {
		return
	}
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		r.opts.Log.Warn("replacement has not left in time", "service", said.Service, "address", said.Address)
	}
}

// track has a registrant's connection last, and reports whether it may: not where the registry closes.
func (r *Registry) track(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.conns[c] = true
	return c.SetDeadline(time.Time{}) == nil
}

// add registers; the address is then as the gateway dials it.
func (r *Registry) add(said *claim) error {
	at, err := Address(said.Address)
	if err != nil {
		return err
	}
	said.Address = at
	if err := r.opts.CheckReplaceable(said.Service); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.moved == nil || r.closed {
		return fmt.Errorf("the stack is starting or stopping")
	}
	before := r.claimed[said.Service]
	r.claimed[said.Service] = append(slices.Clone(before), at)
	if err := r.moved(said.Service, r.addresses(said.Service)); err != nil {
		r.claimed[said.Service] = before
		return err
	}
	r.opts.Log.Info("replacement registered", "service", said.Service, "address", at)
	return nil
}

func (r *Registry) remove(said claim) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Clone(r.claimed[said.Service])
	if i := slices.Index(list, said.Address); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	r.claimed[said.Service] = list
	if r.closed {
		return
	}
	_ = r.moved(said.Service, r.addresses(said.Service)) // it takes what it took before
	r.opts.Log.Info("replacement is gone", "service", said.Service, "address", said.Address)
}

// Address reads where a replacement listens: "host:port", ":port" or "port". No host is
// localhost, 127.0.0.1 or ::1, and one that stands for all of this machine's is 127.0.0.1.
func Address(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port, err = net.SplitHostPort(":" + text)
	}
	var n int
	if err == nil {
		n, err = net.LookupPort("tcp", port)
	}
	if err != nil || n == 0 {
		return "", fmt.Errorf("%q is not an address such as 127.0.0.1:4002", text)
	}
	if host == "" {
		host = "localhost"
	} else if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, fmt.Sprint(n)), nil
}

// Find says where the running stack's registry is, and the secret for it.
type Find func() (address, secret string, err error)

// Register keeps a service that listens at an address registered until ctx ends: at the
// stack that runs, and at the next one once that has ended. When a stack ends, leave is
// called, and one that has asked for it waits until leave has returned, though not for
// long. The log says once what keeps the service from being registered. Register returns
// when ctx has ended.
func Register(ctx context.Context, find Find, service, address string, leave func(), log *slog.Logger) {
	reported := ""
	for ctx.Err() == nil {
		registered, err := register(ctx, find, service, address, leave)
		switch {
		case ctx.Err() != nil:
			return
		case registered:
			reported = ""
			log.Info("the stack has ended: registering with the next one", "service", service)
		case err != nil && err.Error() != reported:
			reported = err.Error()
			log.Warn("the gateway has not registered this service", "service", service, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// register returns once it is registered no more, and has left where the stack has ended.
func register(ctx context.Context, find Find, service, address string, leave func()) (registered bool, err error) {
	at, secret, err := find()
	if err != nil {
		return false, err
	}
	r, err := Open(ctx, at, secret, service, address)
	if err != nil {
		return false, err
	}
	defer r.Close()
	disarm := context.AfterFunc(ctx, r.Close)
	defer disarm()
	<-r.Ended()
	if disarm() {
		leave()
	}
	return true, nil
}
