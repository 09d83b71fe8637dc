package lifecycle

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"axion/services/clustertest"
)

// memoryEnv makes a child of [TestMemoryLimit] say what its limit is.
const memoryEnv = "AXION_TEST_MEMORY"

// TestMemoryLimit: in a control group that bounds memory, Go keeps to a part of the
// bound, and to GOMEMLIMIT where that is set.
func TestMemoryLimit(t *testing.T) {
	if os.Getenv(memoryEnv) != "" {
		var parts Group
		ctx, cancel := context.WithCancel(t.Context())
		_ = parts.Run(ctx, func(context.Context) error {
			fmt.Println(debug.SetMemoryLimit(-1))
			cancel()
			return nil
		})
		return
	}
	t.Parallel()
	const bound = 256 << 20
	group := boundedGroup(t, bound)
	unset := slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "GOMEMLIMIT=") })
	for _, test := range []struct {
		env  string
		want int64
	}{
		{"", bound / 10 * 8},
		{"GOMEMLIMIT=", bound / 10 * 8}, // as Go takes it: unset
		{"GOMEMLIMIT=1234567890", 1234567890},
	} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `echo $$ > "$0"/cgroup.procs; exec "$1" -test.run '^TestMemoryLimit$'`, group,
			os.Args[0])
		cmd.Env = append(slices.Clip(unset), memoryEnv+"=1", test.env)
		out, err := cmd.Output()
		line, _, _ := strings.Cut(string(out), "\n")
		got, bad := strconv.ParseInt(line, 10, 64)
		if err != nil || bad != nil || got/100 != test.want/100 {
			t.Errorf("%q: got %q, %v; want a limit of %d bytes", test.env, out, err, test.want)
		}
	}
}

// boundedGroup makes a control group, of either version, until the test's end.
func boundedGroup(t *testing.T, bytes int) string {
	t.Helper()
	root, limit := "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		root, limit = "/sys/fs/cgroup", "memory.max"
	}
	path := filepath.Join(root, "axion-lifecycle-"+strconv.Itoa(os.Getpid()))
	err := os.Mkdir(path, 0o755)
	if err == nil {
		t.Cleanup(func() { _ = os.Remove(path) })
		err = os.WriteFile(filepath.Join(path, limit), []byte(strconv.Itoa(bytes)), 0o600)
	}
	if err != nil {
		clustertest.Missing(t, "a control group of one's own", "nothing, and be root: "+err.Error())
	}
	return path
}
