package procgroup_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// stack is what the test binary does as a stack with one project.
var stack func(dir, script string)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		child(os.Args[2:])
		return
	}
	goleak.VerifyTestMain(m)
}

// child is what the test binary does as a process of its own.
func child(args []string) {
	switch args[0] {
	case "hang":
		signal.Ignore(os.Interrupt)
		time.Sleep(time.Hour) // select {} is a deadlock on Windows
	case "parent": // writes its id, and that of what it starts
		cmd := exec.Command(os.Args[0], "child", "hang")
		if err := cmd.Start(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Printf("%d\n%d\n", os.Getpid(), cmd.Process.Pid)
		_ = cmd.Wait()
	case "stack":
		stack(args[1], args[2])
	}
}
