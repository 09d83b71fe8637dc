package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	// hashCost makes one guess take some 50 ms of one core.
	hashCost = 10
	// hashers bounds how many cores sign-ins can take.
	hashers = 2
	// hashQueueTimeout bounds how long a sign-in waits for a slot.
	hashQueueTimeout = 5 * time.Second
)

// dummyHash is compared with where there is no such user, so that the response takes
// as long as for one that exists. No password is known that matches it.
const dummyHash = "$2a$10$g.8ITkPqLnK1c5dWx5Fk.Otn.4nbqO6VmXfszFvbJkcjg4zXk3LAy"

// hasher hashes passwords, a bounded number at a time.
type hasher struct {
	slots chan struct{}
	cost  int
	wait  time.Duration
}

func newHasher() *hasher {
	return &hasher{slots: make(chan struct{}, hashers), cost: hashCost, wait: hashQueueTimeout}
}

// acquire waits for a slot to hash in; call the returned function when done.
func (h *hasher) acquire(ctx context.Context) (func(), error) {
	ctx, cancel := context.WithTimeout(ctx, h.wait)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, errBusy
	}
}

// hash returns the hash to store of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	done, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	hash, err := bcrypt.GenerateFromPassword(digest(password), h.cost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return string(hash), nil
}

// matches reports whether hash is that of password.
func (h *hasher) matches(ctx context.Context, hash, password string) (bool, error) {
	done, err := h.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	err = bcrypt.CompareHashAndPassword([]byte(hash), digest(password))
	if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, fmt.Errorf("compare password: %w", err)
	}
	return err == nil, nil
}

// digest fits a password of any length into the 72 bytes that bcrypt reads, and
// keeps out the NUL bytes that would end it early.
func digest(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return base64.StdEncoding.AppendEncode(nil, sum[:])
}
