//go:build unix

package lifecycle

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// orphanEnv names the parent to a child of [TestOrphanTime].
const orphanEnv = "AXION_TEST_ORPHAN"

// orphan is a stack that keeps nothing, one of whose parts stops only at the deadline.
func orphan(pid string) error {
	var p Parent
	if err := p.Set(pid); err != nil {
		return err
	}
	var parts Group
	return parts.Run(context.Background(), p.Watch(&parts, true, false, slog.New(slog.DiscardHandler)), func(context.Context) error {
		parts.OnStop(func(ctx context.Context) error {
			fmt.Println("stopping")
			<-ctx.Done()
			fmt.Println("deadline")
			return nil
		})
		parts.OnAbort(func() { fmt.Println("aborting") })
		fmt.Println("ready")
		return nil
	})
}

// TestOrphanTime: a stack that keeps nothing does not wait for a part that is slow to
// stop, once its parent has ended: it ends before the deadline of a stop comes.
func TestOrphanTime(t *testing.T) {
	if pid := os.Getenv(orphanEnv); pid != "" {
		if err := orphan(pid); err != nil {
			fmt.Println(err)
		}
		return
	}
	t.Parallel()
	if orphanTimeout > time.Second {
		t.Errorf("got %s, want 1 s at most", orphanTimeout)
	}
	parent := sleeper(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOrphanTime$")
	cmd.Env = append(os.Environ(), orphanEnv+"="+strconv.Itoa(parent.Process.Pid))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "ready\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	said, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 || string(said) != "stopping\naborting\n" {
		t.Errorf("got %v, and %q; want that it ends by itself in the midst of stopping, and says so to what is to know", err, said)
	}
}
