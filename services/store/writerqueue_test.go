package store

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestTurn has writers come in the order in which they began to wait, but for one whose
// context ends.
func TestTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turn := &writerQueue{make(chan struct{}, 1)}
		done, err := turn.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []int
		for i := range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				done, err := turn.acquire(ctx)
				if err != nil {
					return
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				done()
			}()
			synctest.Wait()
			if i == 2 {
				cancel()
				synctest.Wait()
			}
			defer cancel()
		}
		if len(order) != 0 {
			t.Errorf("%v came while it was another's turn", order)
		}
		done()
		synctest.Wait()
		if want := []int{0, 1, 3, 4}; !slices.Equal(order, want) {
			t.Errorf("got %v, want %v", order, want)
		}
	})
}

// TestTurnLate goes on without its turn after a while: SQLite decides then.
func TestTurnLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turn := &writerQueue{make(chan struct{}, 1)}
		first, _ := turn.acquire(t.Context())
		began := time.Now()
		late, err := turn.acquire(t.Context())
		if err != nil || time.Since(began) != busyTimeout {
			t.Errorf("got %v after %s, want to go on after %s", err, time.Since(began), busyTimeout)
		}
		late() // it is still the first one's
		if len(turn.held) != 1 {
			t.Error("who came late has ended another's turn")
		}
		first()
	})
}

// TestTurnShared has the handles of one file take turns, as the instances of a service
// do: none gets the error that the database is locked.
func TestTurnShared(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	handles := []*sql.DB{openNotes(t, path), openNotes(t, path)}
	const each = 50
	var writing sync.WaitGroup
	for i, db := range handles {
		for w := range 4 {
			writing.Go(func() {
				for n := range each {
					name := string(rune('a'+i)) + string(rune('a'+w)) + string(rune('0'+n))
					err := Tx(t.Context(), db, func(tx *sql.Tx) error { return insert(t.Context(), tx, name) })
					if n%2 == 0 {
						_, err = db.ExecContext(t.Context(), `UPDATE notes SET name = name || '!' WHERE name = $1`, name)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	writing.Wait()
	if n := names(t, handles[0]); n != 2*4*each {
		t.Errorf("got %d rows, want %d", n, 2*4*each)
	}
	for _, db := range handles {
		stats := Stats(db)
		if stats.MaxOpenConnections != maxReaders+1 || stats.OpenConnections < 1 || stats.InUse != 0 || stats.WaitDuration <= 0 {
			t.Errorf("got %+v, want the writer's connection and its waits in it", stats)
		}
	}
}
