package middleware

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"runtime"
	"sync"

	"github.com/tg123/go-htpasswd"
)

const (
	// maxKnown bounds the passwords whose check is remembered: bcrypt takes 50 ms.
	maxKnown = 1024
	// maxPassword bounds a password, in bytes: the hashes of crypt take time by the
	// square of its length, minutes for what fits in a header.
	maxPassword = 4 << 10
)

// hashing has room for the comparisons that run at once: a flood of wrong passwords
// leaves processors to other requests.
var hashing = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// gate knows users, and which passwords were right.
type gate struct {
	users map[string]htpasswd.EncodedPasswd
	// decoy is what unknown users are checked against, so that the time taken does
	// not say which users there are.
	decoy htpasswd.EncodedPasswd
	salt  [16]byte

	mu    sync.Mutex
	known map[[sha256.Size]byte]bool // of salt, user and password
}

// newGate knows nobody yet.
func newGate() *gate {
	g := &gate{users: make(map[string]htpasswd.EncodedPasswd), known: make(map[[sha256.Size]byte]bool)}
	_, _ = rand.Read(g.salt[:]) // never fails
	return g
}

// admits reports whether the password is the user's. It waits for its turn to find out,
// until ctx ends.
func (g *gate) admits(ctx context.Context, name, password string) bool {
	if len(password) > maxPassword {
		return false
	}
	key := sha256.Sum256([]byte(string(g.salt[:]) + name + "\x00" + password))
	g.mu.Lock()
	right := g.known[key]
	g.mu.Unlock()
	if right {
		return true
	}
	hash, ok := g.users[name]
	if !ok {
		hash = g.decoy
	}
	if !matches(ctx, hash, password) || !ok {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= maxKnown {
		clear(g.known)
	}
	g.known[key] = true
	return true
}

// matches compares a password with its hash, unless ctx ends before its turn comes.
func matches(ctx context.Context, hash htpasswd.EncodedPasswd, password string) bool {
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-hashing }()
	return hash.MatchesPassword(password)
}
