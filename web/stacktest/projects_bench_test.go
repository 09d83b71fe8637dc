//go:build linux

package stacktest_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/services/contract"
	"axion/web/stacktest"
)

// otherProgram names a second program to measure in turn with this one, such as one
// built from an earlier commit.
const otherProgram = "AXION_BENCH_OTHER"

// BenchmarkProjects measures what a project costs, from the POST to its site's route
// being live: the process's CPU time, in user and system mode, for each of 256 projects
// that 32 clients create, 48 of them under way at once, and how many there are a second.
// Medians of rounds.
//
// With AXION_BENCH_OTHER=FILE another program's rounds take turns with this one's, and
// the ratios to it are reported:
//
//	AXION_BENCH_OTHER=/tmp/axion-old go test ./web/stacktest -run '^$' -bench Projects -benchtime 1x -timeout 20m
//
// Fresh begins with empty stacks; Beside1000 with as many projects in each. AXION_BENCH_ROUNDS
// says how many rounds there are, 5 unless it is set.
func BenchmarkProjects(b *testing.B) {
	for _, kind := range []struct {
		name   string
		before int
	}{{"Fresh", 64}, {"Beside1000", 1000}} {
		b.Run(kind.name, func(b *testing.B) {
			for b.Loop() {
				compareProjects(b, kind.before)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func compareProjects(b *testing.B, before int) {
	rounds, err := strconv.Atoi(cmp.Or(os.Getenv("AXION_BENCH_ROUNDS"), "5"))
	if err != nil {
		b.Fatal(err)
	}
	ours := newProjectLoad(b, binary, before)
	turns := []*projectLoad{ours}
	var other *projectLoad
	if program := os.Getenv(otherProgram); program != "" {
		other = newProjectLoad(b, program, before)
		turns = append(turns, other)
	}
	for range rounds {
		for _, l := range turns {
			l.round(b)
		}
		slices.Reverse(turns) // so that neither is always the first
	}
	b.ReportMetric(middle(ours.cpu), "cpu-ms/project")
	b.ReportMetric(middle(ours.rate), "projects/s")
	if other != nil {
		b.ReportMetric(middle(other.cpu), "other-cpu-ms/project")
		b.ReportMetric(middle(other.rate), "other-projects/s")
		b.ReportMetric(middle(ours.cpu)/middle(other.cpu), "cpu-ratio")
		b.ReportMetric(middle(ours.rate)/middle(other.rate), "rate-ratio")
	}
}

// projectLoad is a stack, and what was measured of it.
type projectLoad struct {
	stack     *stacktest.Process
	made      int
	cpu, rate []float64 // by round: milliseconds a project, projects a second
}

func newProjectLoad(b *testing.B, program string, before int) *projectLoad {
	s := stacktest.Launch(b, program)
	l := &projectLoad{stack: s}
	l.create(b, before)
	return l
}

// round measures the creation of some projects.
func (l *projectLoad) round(b *testing.B) {
	const each = 256
	used, began := cpuOf(b, l.stack.Cmd.Process.Pid), time.Now()
	l.create(b, each)
	took := time.Since(began)
	l.cpu = append(l.cpu, float64(cpuOf(b, l.stack.Cmd.Process.Pid)-used)/float64(time.Millisecond)/each)
	l.rate = append(l.rate, each/took.Seconds())
}

// create has clients create n projects, and waits until all are deployed.
func (l *projectLoad) create(b *testing.B, n int) {
	const clients = 32
	// At 5 messages a project they fit the buffer of a WebSocket, 256 messages, whose session
	// ends where its client does not get to reading them.
	const underWay = 48
	socket := l.stack.WebSocket(b, "/ws?token="+l.stack.Token) // one that nobody reads ends in a minute
	defer socket.Close()
	names := make(chan string, n)
	for range n {
		l.made++
		names <- "project " + strconv.Itoa(l.made)
	}
	close(names)
	slots := make(chan struct{}, underWay)
	var creating sync.WaitGroup
	for range clients {
		creating.Go(func() {
			for name := range names {
				slots <- struct{}{}
				l.stack.Create(b, "", name, "")
			}
		})
	}
	for deployed := 0; deployed < n; {
		switch m := socket.Next(b); m.Type {
		case contract.DeploymentSucceeded:
			deployed++
			<-slots
		case contract.DeploymentFailed:
			b.Fatalf("project %s: %s", m.ProjectID, m.Data)
		}
	}
	creating.Wait()
}

// middle is the median.
func middle(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// cpuOf is the time that a process has used in user and system mode.
func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	// The second field is the program's name, which may hold spaces. utime and stime
	// are the fields 14 and 15, in ticks of 10 ms (proc_pid_stat(5)).
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
