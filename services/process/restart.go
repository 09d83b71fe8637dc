package process

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Restart is when a process that has ended is started again. The zero value: never.
type Restart struct {
	Always    bool
	OnFailure bool
	Max       int // of restarts in a row upon failure; 0 for any
}

// ParseRestart reads compose's restart.
func ParseRestart(text string) (Restart, error) {
	name, limit, limited := strings.Cut(text, ":")
	switch {
	case name == "" || text == "no":
		return Restart{}, nil
	case text == "always" || text == "unless-stopped":
		return Restart{Always: true}, nil
	case name == "on-failure":
		r := Restart{OnFailure: true}
		if limited {
			n, err := strconv.Atoi(limit)
			if err != nil || n < 0 {
				return r, fmt.Errorf("restart %q has no number after its colon", text)
			}
			r.Max = n
		}
		return r, nil
	}
	return Restart{}, fmt.Errorf("restart %q is none of no, always, unless-stopped, on-failure and on-failure:N", text)
}

// again says whether a process is started again after its n-th end in a row.
func (r Restart) again(end exit, n int) bool {
	return r.Always || r.OnFailure && end.err != nil && (r.Max == 0 || n <= r.Max)
}

// steadyTime is after how long a process that ends is started again at once.
const steadyTime = time.Minute

func newBackoff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: 100 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.2,
		MaxInterval: time.Minute}
}
