//go:build unix && !linux && !darwin

package lifecycle

const (
	hangup      = 0
	hangupWakes = false
)

// openProcess gives none: processes are looked at from time to time.
func openProcess(int) int { return -1 }

// goRun is not known here.
func goRun(int) (parent int, ok bool) { return 0, false }
