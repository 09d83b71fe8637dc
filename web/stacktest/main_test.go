package stacktest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"axion/services/clustertest"
	"axion/web/stacktest"
)

// binary is the built program, which every test here runs.
var binary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "axion-test-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		// The local authority of the tests is not that of the user.
		err = os.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	}
	if err == nil {
		binary, err = stacktest.Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// TestCluster runs the tests of crashes, and of services in the place of a builtin,
// on Apache Kafka and PostgreSQL too.
func TestCluster(t *testing.T) {
	clustertest.RerunOnCluster(t, "^Test(Crash|Restart|Replace|ReplaceByNest|NestClient|Code|Serve|ServeEmpty|BadInput)$", 2)
}
