//go:build race

package clustertest

// raceEnabled is whether the race detector is on.
const raceEnabled = true
