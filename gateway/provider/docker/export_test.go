package docker

// Matters and Elsewhere are tested by themselves: what they decide shows in what
// does not happen, or on another machine.
var (
	Matters   = matters
	Elsewhere = elsewhere
)
