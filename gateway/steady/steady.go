// Package steady is a clock that nobody sets: for what has to be distinguished by the
// time between, and is kept as a number, in which Go's own clock has lost that.
package steady

import "time"

var began = time.Now()

// Now is the time of the program's start, and what has passed since. It differs from
// the machine's clock once that was set. It is safe for concurrent use.
func Now() time.Time { return began.Add(time.Since(began)) }
