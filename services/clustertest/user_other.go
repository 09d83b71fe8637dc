//go:build !unix

package clustertest

import (
	"os/exec"
	"testing"
)

// unprivileged changes nothing: there is no root here.
func unprivileged(testing.TB, ...string) func(*exec.Cmd) { return func(*exec.Cmd) {} }
