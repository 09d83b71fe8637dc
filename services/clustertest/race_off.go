//go:build !race

package clustertest

// raced is whether the race detector is on.
const raced = false
