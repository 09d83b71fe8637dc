package budget

import (
	"sync"
	"testing"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	b := New(100)
	first, second, third := &Share{Of: b}, &Share{Of: b}, &Share{Of: b}
	never := make(chan struct{})
	if !first.Take(60, never) || !second.Take(40, never) || !second.Take(500, never) {
		t.Fatal("not taken")
	}
	gone := make(chan struct{})
	close(gone)
	if third.Take(1, gone) || first.Take(1, gone) {
		t.Error("a second one took more than there is")
	}
	taken := make(chan bool)
	go func() { taken <- third.Take(1, never) }()
	second.Free()
	if !<-taken {
		t.Error("not taken once there was room")
	}
	first.Free()
	third.Free()
	third.Free()
	if b.left != 100 || b.overdraw != nil {
		t.Errorf("got %d left, want all", b.left)
	}
}

// TestBudgetNoDeadlock: shares that grow side by side all get what they need.
func TestBudgetNoDeadlock(t *testing.T) {
	t.Parallel()
	b := New(100)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 50 {
				s := &Share{Of: b}
				for range 9 {
					if !s.Take(10, nil) {
						t.Error("not taken")
					}
				}
				s.Free()
			}
		})
	}
	all.Wait()
	if b.left != 100 {
		t.Errorf("got %d left, want all", b.left)
	}
}
