package schema

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// What the checks of one request may cost.
const (
	// MaxSteps bounds the steps of a [Budget]. A step is about 200 ns: a schema that
	// looks at a value, at one of its members, or at 32 characters by a pattern's
	// instruction.
	MaxSteps = 500_000
	// MaxTime bounds how long all of them take.
	MaxTime = 5 * time.Second
	// explainSteps are of those for saying what is wrong, where each may hold a fault.
	explainSteps = 20_000
	// maxFrames bounds the stack: a level of a check has three to five frames, and 1 KB.
	maxFrames = 4000
	// checkEvery is after how many steps time and stack are checked.
	checkEvery = 512
)

// ErrSteps, ErrTime and ErrDepth say that a check was given up: its schema needs
// too much work on the value.
var (
	ErrSteps = fmt.Errorf("takes more than %d steps", MaxSteps)
	ErrTime  = fmt.Errorf("takes longer than %s", MaxTime)
	ErrDepth = errors.New("goes too deep")
)

// Budget is what the checks of one request may use together. It is for one goroutine.
type Budget struct {
	ctx   context.Context
	end   time.Time
	left  int
	until int // the next check, in steps left
}

// NewBudget begins one, for as long as ctx lasts and [MaxTime].
func NewBudget(ctx context.Context) *Budget {
	b := &Budget{ctx: ctx, end: time.Now().Add(MaxTime), left: MaxSteps}
	b.until = b.left - checkEvery
	return b
}

// Spend spends steps on other work than checks, and is an error where there are none.
func (b *Budget) Spend(steps int) error {
	b.left -= steps
	return b.checkLimits()
}

// checkLimits is an error where the budget is used up, or ctx has ended.
func (b *Budget) checkLimits() error {
	if b.left < 0 {
		return ErrSteps
	}
	if b.left > b.until {
		return nil
	}
	b.until = b.left - checkEvery
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if time.Now().After(b.end) {
		return ErrTime
	}
	var frame [1]uintptr
	if runtime.Callers(maxFrames, frame[:]) > 0 {
		return ErrDepth
	}
	return nil
}

// meter counts what one schema does while it has a budget.
type meter struct{ budget *Budget }

// stopped is what a check that is given up panics with: the library can be stopped in
// no other way.
type stopped struct{ err error }

// spend spends steps, and ends the check where there are none.
func (m *meter) spend(steps int) {
	b := m.budget
	if b == nil { // compiling
		return
	}
	if err := b.Spend(steps); err != nil {
		panic(stopped{err})
	}
}

// run calls check, and returns what ended it early.
func (m *meter) run(b *Budget, check func() error) (invalid, gaveUp error) {
	m.budget = b
	defer func() {
		m.budget = nil
		if v := recover(); v != nil {
			end, ok := v.(stopped)
			if !ok {
				panic(v)
			}
			invalid, gaveUp = nil, end.err
		}
	}()
	return check(), nil
}
