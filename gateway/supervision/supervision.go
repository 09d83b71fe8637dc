// Package supervision keeps what is known of servers whose processes the stack supervises:
// whether requests may be sent to them, why not, and for how long requests wait until they
// may. Servers that nothing supervises cost a look at one pointer.
package supervision

import (
	"context"
	"sync"
	"time"
)

// State is what is known of one server.
type State struct {
	// Service is the compose service that the server is an instance of.
	Service string
	// Address is its "host:port".
	Address string
	// Up says that requests may be sent.
	Up bool
	// Detail says, in one line for a person, why it is not up, and Hint what to do. Where
	// it is up they are for when it cannot be reached all the same; they may be empty.
	Detail, Hint string
	// Hold is for how long a request waits until the server is up. Zero: it does not wait.
	Hold time.Duration
}

// MaxHeld is how many requests wait for one service at a time.
const MaxHeld = 1000

// Set is all supervised servers. It is safe for concurrent use; [New] makes one.
type Set struct {
	ctx    context.Context // of what looks for servers
	cancel context.CancelFunc
	looks  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	servers map[string]*Server // by address
	held    map[string]int     // requests that wait, by service
}

// New returns a set without servers. Its Close is to be called.
func New() *Set {
	s := &Set{servers: map[string]*Server{}, held: map[string]int{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Done is closed by Close: no request is to wait any more.
func (s *Set) Done() <-chan struct{} { return s.ctx.Done() }

// Close ends what looks for servers.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.looks.Wait()
}

// Report replaces what is known of the server at an address.
func (s *Set) Report(state State) {
	s.mu.Lock()
	server := s.at(state.Address)
	s.mu.Unlock()
	server.report(&state)
}

// Drain waits until the requests that were sent to the server at address have been
// answered, or ctx ends. Report that it is not up first: else there are ever new ones.
func (s *Set) Drain(ctx context.Context, address string) {
	s.mu.Lock()
	server := s.servers[address]
	s.mu.Unlock()
	if server != nil {
		server.drain(ctx)
	}
}

// Watch gives the server at an address, also where nothing supervises it. Changed is called
// after each change of its state, by any goroutine; it must not wait. The server is kept
// until stop is called, or for good once something was reported of it.
func (s *Set) Watch(address string, changed func()) (server *Server, stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	server = s.at(address)
	key := server.watch(changed)
	return server, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if server.unwatch(key) {
			delete(s.servers, address)
		}
	}
}

// at is the server at an address. The caller holds mu.
func (s *Set) at(address string) *Server {
	server := s.servers[address]
	if server == nil {
		server = &Server{set: s, address: address, watchers: map[*func()]bool{}}
		s.servers[address] = server
	}
	return server
}

// Enter counts a request that is to wait for a service; false where [MaxHeld] do. Leave is
// to be called for each that is counted.
func (s *Set) Enter(service string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[service] >= MaxHeld {
		return false
	}
	s.held[service]++
	return true
}

// Leave ends what Enter began.
func (s *Set) Leave(service string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[service]--; s.held[service] == 0 {
		delete(s.held, service)
	}
}

// Held is how many requests wait for a service.
func (s *Set) Held(service string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[service]
}

// look runs f in a goroutine that Close waits for.
func (s *Set) look(f func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.looks.Go(func() { f(s.ctx) })
	}
}
