package auth

import (
	"context"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"axion/services/host/hosttest"
)

func TestHasher(t *testing.T) {
	t.Parallel()
	quick := newHasher()
	quick.cost, quick.wait = bcrypt.MinCost, hosttest.Deadline

	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		// bcrypt alone reads 72 bytes, and stops at a NUL.
		long := strings.Repeat("x", 100)
		for _, password := range []string{"development", long, "a\x00b"} {
			hash, err := quick.hash(t.Context(), password)
			if err != nil {
				t.Fatal(err)
			}
			for guess, want := range map[string]bool{password: true, password + "y": false, "a\x00c": false, "": false} {
				if got, err := quick.matches(t.Context(), hash, guess); got != want || err != nil {
					t.Errorf("%q matches the hash of %q: got %v, %v, want %v", guess, password, got, err, want)
				}
			}
		}
	})
	t.Run("Cost", func(t *testing.T) {
		t.Parallel()
		if got := newHasher().cost; got != hashCost {
			t.Errorf("cost of new hashes: got %d, want %d", got, hashCost)
		}
		if got, err := bcrypt.Cost([]byte(dummyHash)); got != hashCost || err != nil {
			t.Errorf("cost for unknown users: got %d, %v, want %d", got, err, hashCost)
		}
	})
	t.Run("ErrBusy", func(t *testing.T) {
		t.Parallel()
		h := newHasher()
		h.wait = 1
		for range hashers {
			done, err := h.acquire(context.Background())
			for errors.Is(err, errBusy) { // 1 ns may be over before the first look
				done, err = h.acquire(context.Background())
			}
			defer done()
		}
		if _, err := h.hash(t.Context(), "x"); !errors.Is(err, errBusy) {
			t.Errorf("hash: got %v, want %v", err, errBusy)
		}
		if _, err := h.matches(t.Context(), dummyHash, "x"); !errors.Is(err, errBusy) {
			t.Errorf("matches: got %v, want %v", err, errBusy)
		}
	})
	t.Run("ErrDamaged", func(t *testing.T) {
		t.Parallel()
		if ok, err := quick.matches(t.Context(), "damaged", "x"); ok || err == nil {
			t.Errorf("got %v, %v, want an error", ok, err)
		}
	})
}
