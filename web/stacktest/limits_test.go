//go:build linux

package stacktest_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// stillTime is how long the program stands still: longer than the sessions of groups
// and the deadlines of requests.
const stillTime = 30 * time.Second

// TestStandstill stops the program for 30 s, as a debugger or a laptop's lid does, in
// the middle of deployments: all of it goes on, and nothing is lost or a dead letter.
func TestStandstill(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, binary)
	const topic, total = "still", 200
	client := s.Kafka(t, kgo.AllowAutoTopicCreation(), kgo.ConsumerGroup("still-group"), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(100*time.Millisecond))
	produced := make(chan error, total)
	produce := func(n int) {
		client.Produce(context.Background(), &kgo.Record{Topic: topic, Key: fmt.Append(nil, n), Value: fmt.Append(nil, n)},
			func(_ *kgo.Record, err error) { produced <- err })
	}
	for n := range total / 2 {
		produce(n)
	}
	var projects []stacktest.Project
	for n := range 5 { // under way while it stands still
		projects = append(projects, s.Create(t, "", "before "+strconv.Itoa(n), ""))
	}
	if err := s.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for n := total / 2; n < total; n++ {
		produce(n)
	}
	time.Sleep(stillTime) // what is tested
	if err := s.Cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for range total {
		if err := <-produced; err != nil {
			t.Fatalf("produce: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Timeout)
	defer cancel()
	for got := map[string]bool{}; len(got) < total; {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d of %d records were read", len(got), total)
		}
		fetches.EachRecord(func(r *kgo.Record) { got[string(r.Value)] = true })
	}
	for _, p := range projects {
		stacktest.Eventually(t, "the deployment of "+p.Name, func() bool {
			var list struct{ Items []struct{ Status string } }
			s.Do(t, http.MethodGet, s.URL(contract.GraphHost, "/api/projects/"+p.ID+"/deployments"), s.Token, nil).Decode(t, http.StatusOK, &list)
			return len(list.Items) == 1 && list.Items[0].Status == contract.StatusSucceeded
		})
	}
	deploys(t, s, "after")
	if n := letters(t, s); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// TestFewFiles gives the program 256 files: it starts, works, bounds its clients to
// what is left, costs nothing while they crowd, and works on once they have gone.
func TestFewFiles(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, shellScript(t, "ulimit -n 256"))
	deploys(t, s, "few files")
	var crowd []net.Conn
	https, err := url.Parse(s.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 400 {
		address := https.Host
		if n%2 == 1 {
			address = s.Summary.Kafka
		}
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			continue // it may say no, and not fall over
		}
		crowd = append(crowd, c)
	}
	var opened []os.DirEntry
	if opened, err = os.ReadDir("/proc/" + strconv.Itoa(s.Cmd.Process.Pid) + "/fd"); err != nil || len(opened) > 230 {
		t.Errorf("crowded, it has %d files open, %v; want that some are left", len(opened), err)
	}
	spent := processorTime(t, s.Cmd.Process.Pid)
	time.Sleep(3 * time.Second) // what is tested: an accept that fails must not be tried without a pause
	if took := processorTime(t, s.Cmd.Process.Pid) - spent; took > 1500*time.Millisecond {
		t.Errorf("crowded, it took %s of processor time in 3 s", took)
	}
	for _, c := range crowd {
		_ = c.Close()
	}
	stacktest.Eventually(t, "the gateway, once the crowd has gone", func() bool {
		res, err := s.Client.Get(s.URL(contract.GraphHost, "/ready"))
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	deploys(t, s, "after the crowd")
	if n := letters(t, s); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// processorTime is what a process has taken so far.
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text)[strings.LastIndex(string(text), ")")+2:])
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}

// freeMemory is what the program gets beyond what it has when it is ready.
const freeMemory = 64 << 20

// TestLittleMemory starts the program in a control group that leaves it 64 MB: it
// deploys on, keeps what clients produce, and is not killed for it.
func TestLittleMemory(t *testing.T) {
	t.Parallel()
	ready := stacktest.Launch(t, binary)
	needs := resident(t, ready.Cmd.Process.Pid)
	ready.Stop(t)
	group := memoryGroup(t, needs+freeMemory)
	s := stacktest.Launch(t, shellScript(t, "echo $$ > "+group+"/cgroup.procs"))
	t.Cleanup(func() { s.Stop(t) }) // before the group goes
	client := s.Kafka(t, kgo.AllowAutoTopicCreation())
	for n := range 200 {
		client.Produce(t.Context(), &kgo.Record{Topic: "memory", Value: make([]byte, 256<<10)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Errorf("record %d: %v", n, err)
			}
		})
	}
	var names []string
	for n := range 20 {
		names = append(names, "little memory "+strconv.Itoa(n))
	}
	deploys(t, s, names...)
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := letters(t, s); n != 0 {
		t.Errorf("%d dead letters", n)
	}
	t.Logf("it needs %d MB to start, and took %d MB of %d at the end", needs>>20, resident(t, s.Cmd.Process.Pid)>>20, (needs+freeMemory)>>20)
}

// shellScript is the program behind a line of shell.
func shellScript(t *testing.T, line string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "axion")
	if err := os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\n%s\nexec %s \"$@\"\n", line, binary), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// memoryGroup makes a control group, of either version, until the test's end.
func memoryGroup(t *testing.T, bytes int) (path string) {
	t.Helper()
	if os.Getuid() != 0 {
		clustertest.Missing(t, "the right to make control groups", "nothing, and be root")
	}
	root, limit := "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		root, limit = "/sys/fs/cgroup", "memory.max"
	}
	path = filepath.Join(root, "axion-test-"+strconv.Itoa(os.Getpid()))
	err := os.Mkdir(path, 0o755)
	if err == nil {
		t.Cleanup(func() { _ = os.Remove(path) })
		err = os.WriteFile(filepath.Join(path, limit), []byte(strconv.Itoa(bytes)), 0o600)
	}
	if err != nil {
		clustertest.Missing(t, "a control group of one's own", "nothing: "+err.Error())
	}
	return path
}

// resident is the memory that a process has, in bytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
