//go:build unix

package infrastructure_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

// running says that this test binary is the project's process.
func running(args ...string) contract.Run {
	return contract.Run{Runtime: contract.RuntimeProcess, Command: append([]string{os.Args[0], "child"}, args...)}
}

func process(deployment string, run contract.Run) contract.ProvisionRequest {
	return contract.ProvisionRequest{
		ProjectID: "p1", DeploymentID: deployment, UserID: "alice", Slug: "tea", Files: site("main.txt", "x", "deep/in.txt", "y"), Run: run,
	}
}

func (r *rig) run(req contract.ProvisionRequest) string {
	r.t.Helper()
	var reply contract.ProvisionReply
	if err := r.ask(contract.Provision, req, &reply); err != nil {
		r.t.Fatal(err)
	}
	return reply.Address
}

// refuse provisions what does not work out, and returns the reason.
func (r *rig) refuse(req contract.ProvisionRequest) string {
	r.t.Helper()
	var remote *bus.RemoteError
	if err := r.ask(contract.Provision, req, nil); !errors.As(err, &remote) {
		r.t.Fatalf("got %v, want a refusal", err)
	}
	return remote.Message
}

func (r *rig) runtime() contract.Runtime {
	r.t.Helper()
	return hosttest.Decode[contract.Runtime](r.t, hosttest.Do(r.t, "GET", r.URL+"/api/runtimes/p1", "", hosttest.As("alice")), 200)
}

// await polls until the runtime is as it should be: nothing signals it.
func (r *rig) await(what string, holds func(contract.Runtime) bool) contract.Runtime {
	r.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(hosttest.Deadline); ; <-tick.C {
		now := r.runtime()
		if holds(now) {
			return now
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: got %+v", what, now)
		}
	}
}

func (r *rig) said() string {
	r.t.Helper()
	return hosttest.Do(r.t, "GET", r.URL+"/api/runtimes/p1/logs", "", hosttest.As("alice")).Body
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func (r *rig) pidAt(address, path string) int {
	r.t.Helper()
	pid, err := strconv.Atoi(hosttest.Do(r.t, "GET", address+path, "").Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return pid
}

func newProcessRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	hosttest.Auth(t, r.cluster)
	return r
}

func TestProcess(t *testing.T) {
	t.Parallel()
	r := newProcessRig(t)
	r.start()
	run := running("serve")
	run.Directory = "deep"
	run.Build = [][]string{{os.Args[0], "child", "write", "made.txt", "built"}}
	at := r.run(process("d1", run))
	r.want(at, "/file", 200, "built")
	first := r.pidAt(at, "/")
	now := r.runtime()
	if now.State != contract.StateRunning || now.PID != first || now.Address != at || now.Runtime != "process" || now.Restarts != 0 ||
		now.Error != "" {
		t.Errorf("got %+v", now)
	}
	if said := r.said(); !strings.Contains(said, "listening") || !strings.Contains(said, "[axion] build: ") {
		t.Errorf("log: %s", said)
	}
	if again := r.run(process("d1", run)); again != at || r.pidAt(at, "/") != first {
		t.Error("the same deployment was started again")
	}
	t.Run("OK/restart", func(t *testing.T) {
		if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		now := r.await("started again", func(now contract.Runtime) bool { return now.State == contract.StateRunning && now.PID != first })
		if now.Restarts != 1 || r.pidAt(at, "/") != now.PID {
			t.Errorf("got %+v", now)
		}
		r.want(at, "/file", 200, "built") // not built again
	})
	t.Run("OK/unhealthy", func(t *testing.T) {
		before := r.pidAt(at, "/")
		hosttest.Do(t, "GET", at+"/unhealthy", "")
		r.await("unhealthy", func(now contract.Runtime) bool {
			return now.State == contract.StateUnhealthy && strings.Contains(now.Error, "500")
		})
		r.await("replaced", func(now contract.Runtime) bool { return now.State == contract.StateRunning && now.PID != before })
		if alive(before) {
			t.Error("the unhealthy process still runs")
		}
	})
	t.Run("OK/redeploy", func(t *testing.T) {
		before := r.pidAt(at, "/")
		next := r.run(process("d2", running("serve")))
		if next == at || r.pidAt(next, "/") == before {
			t.Errorf("%s before, %s now", at, next)
		}
		text, err := os.ReadFile(filepath.Join(r.fragments, "app-tea.yaml"))
		if port := next[strings.LastIndex(next, ":")+1:]; err != nil || !strings.Contains(string(text), `server.port: "`+port+`"`) {
			t.Errorf("the fragment does not follow to %s (%v):\n%s", next, err, text)
		}
		for alive(before) {
			r.runtime()
		}
		at = next
	})
	t.Run("ErrCrash", func(t *testing.T) {
		why := r.refuse(process("d3", running("crash", "no", "database")))
		if !strings.Contains(why, "ended 3 times before it was healthy") || !strings.Contains(why, "boom no database") {
			t.Errorf("got %q", why)
		}
		if now := r.runtime(); now.DeploymentID != "d2" || now.State != contract.StateRunning {
			t.Errorf("what ran before: %+v", now)
		}
		r.wantFiles("app-tea.yaml", "sites/p1/d2/deep/in.txt", "sites/p1/d2/main.txt")
	})
	t.Run("ErrMissing", func(t *testing.T) {
		run := running()
		run.Command = []string{"no-such-command-there"}
		if why := r.refuse(process("d4", run)); !strings.Contains(why, "executable file not found") {
			t.Errorf("got %q", why)
		}
	})
	t.Run("ErrBuild", func(t *testing.T) {
		run := running("serve")
		run.Build = [][]string{{os.Args[0], "child", "crash", "in", "build"}}
		if why := r.refuse(process("d5", run)); !strings.Contains(why, "exit status 3") || !strings.Contains(why, "boom in build") {
			t.Errorf("got %q", why)
		}
	})
	t.Run("OK/deprovision", func(t *testing.T) {
		pid, child := r.pidAt(at, "/"), r.pidAt(at, "/spawn")
		r.deprovision("p1")
		r.wantFiles()
		if alive(pid) || !gone(child) {
			t.Error("it, or what it had started, lives")
		}
		if left, err := os.ReadDir(filepath.Join(r.dir, "services", contract.Infrastructure, "logs")); err != nil || len(left) > 0 {
			t.Errorf("logs left: %v (%v)", left, err)
		}
	})
}

// gone reports whether a process has ended: as a zombie it is as good as gone,
// until init takes note.
func gone(pid int) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(hosttest.Deadline); time.Now().Before(deadline); <-tick.C {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if !alive(pid) || err == nil && strings.Contains(string(text), ") Z") {
			return true
		}
	}
	return false
}

func TestProcessCancel(t *testing.T) {
	t.Parallel()
	r := newProcessRig(t)
	r.start()
	run := running("serve")
	run.Build = [][]string{{os.Args[0], "child", "hang"}}
	refused := make(chan error, 1)
	go func() { refused <- r.ask(contract.Provision, process("d1", run), nil) }()
	logs := filepath.Join(r.dir, "services", contract.Infrastructure, "logs", "p1.log")
	for deadline := time.Now().Add(hosttest.Deadline); ; {
		if text, _ := os.ReadFile(logs); strings.Contains(string(text), "hanging") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the build has not begun")
		}
	}
	cancel := func(deployment string) {
		err := r.client.Request(t.Context(), bus.Call{
			Topic: contract.PatternTopic(contract.Infrastructure, contract.CancelProvision), Key: "p1",
			In: contract.CancelProvisionRequest{ProjectID: "p1", DeploymentID: deployment},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	cancel("another")
	cancel("d1")
	var remote *bus.RemoteError
	if err := <-refused; !errors.As(err, &remote) || remote.Message != "the provisioning was cancelled" {
		t.Errorf("got %v", err)
	}
	r.wantFiles()
	cancel("d1") // nothing any more
}

func TestProcessEnvironment(t *testing.T) {
	t.Setenv("PGPASSWORD", "secret")
	t.Setenv("KAFKA_SASL_PASSWORD", "secret")
	t.Setenv("GOOGLE_API_KEY", "secret")
	r := newProcessRig(t)
	r.start()
	at := r.run(process("d1", running("serve")))
	got := strings.Split(hosttest.Do(t, "GET", at+"/environment", "").Body, "\n")
	for _, want := range []string{"PATH=" + os.Getenv("PATH"), "KAFKA_BROKERS=" + r.cluster.ListenAddrs()[0], "AXION_PROJECT=p1",
		"HOST=127.0.0.1",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", "OTEL_SERVICE_NAME=tea", "GOWORK=off"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if text := strings.Join(got, "\n"); strings.Contains(text, "secret") {
		t.Errorf("secrets inherited: %s", text)
	}
}

// exposedError says that a folder is others' too.
type exposedError struct{ dir string }

func (e *exposedError) Error() string { return "others write into " + e.dir }
func (*exposedError) Hint() string    { return "use another" }

// TestProcessExposed: where others may write above the projects' folder no process is
// started, be it a new project, one of before, or one that ends meanwhile; sites are.
func TestProcessExposed(t *testing.T) {
	t.Parallel()
	r := newProcessRig(t)
	var exposed atomic.Bool
	r.private = func(dir string) error {
		if exposed.Load() {
			return &exposedError{dir}
		}
		return nil
	}
	r.start()
	at := r.run(process("d1", running("serve")))
	exposed.Store(true)
	want := fmt.Sprintf("others write into %s; hint: use another", filepath.Join(r.dir, "services", contract.Infrastructure, "sites"))
	for _, deployment := range []string{"d2", "d3"} {
		if got := r.refuse(process(deployment, running("serve"))); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := syscall.Kill(r.pidAt(at, "/"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.await("not started again", func(now contract.Runtime) bool {
		return now.State == contract.StateRestarting && strings.Contains(now.Error, "others write into")
	})
	r.start()
	if now := r.runtime(); now.State != contract.StateFailed || now.PID != 0 {
		t.Errorf("after a restart: got %+v, want it not started", now)
	}
	r.want(r.provision("p2", "d1", "page", "index.html", "hello"), "/", 200, "hello")
	exposed.Store(false)
	r.start()
	r.await("runs again", func(now contract.Runtime) bool { return now.State == contract.StateRunning })
}

func TestProcessRestart(t *testing.T) {
	t.Parallel()
	r := newProcessRig(t)
	r.start()
	at := r.run(process("d1", running("serve")))
	pid := r.pidAt(at, "/")
	r.Stop()
	if alive(pid) {
		t.Error("the process outlives the service")
	}
	r.start()
	now := r.await("running again", func(now contract.Runtime) bool { return now.State == contract.StateRunning })
	if now.Address != at || now.DeploymentID != "d1" || now.PID == pid {
		t.Errorf("got %+v, want it at %s", now, at)
	}
	list := hosttest.Decode[contract.RuntimeList](t, hosttest.Do(t, "GET", r.URL+"/api/runtimes", "", hosttest.As("alice")), 200)
	if len(list.Items) != 1 || list.Items[0] != now {
		t.Errorf("list: %+v", list)
	}
	t.Run("ErrForeign", func(t *testing.T) {
		for _, path := range []string{"/p1", "/p1/logs"} {
			hosttest.WantProblem(t, hosttest.Do(t, "GET", r.URL+"/api/runtimes"+path, "", hosttest.As("bob")), 404)
			hosttest.WantProblem(t, hosttest.Do(t, "GET", r.URL+"/api/runtimes"+path, ""), 401)
		}
		other := hosttest.Decode[contract.RuntimeList](t, hosttest.Do(t, "GET", r.URL+"/api/runtimes", "", hosttest.As("bob")), 200)
		if len(other.Items) != 0 {
			t.Errorf("bob sees %+v", other)
		}
	})
	t.Run("OK/request", func(t *testing.T) {
		var all, none contract.RuntimeList
		if err := errors.Join(r.ask(contract.ListRuntimes, nil, &all),
			r.ask(contract.ListRuntimes, contract.RuntimeRequest{UserID: "bob"}, &none)); err != nil {
			t.Fatal(err)
		}
		if len(all.Items) != 1 || all.Items[0].Slug != "tea" || len(none.Items) != 0 {
			t.Errorf("got %+v and %+v", all, none)
		}
	})
	t.Run("OK/static", func(t *testing.T) {
		r.run(contract.ProvisionRequest{ProjectID: "p1", DeploymentID: "d2", UserID: "alice", Slug: "tea",
			Files: site("index.html", "static now")})
		if now := r.runtime(); now.Runtime != "static" || now.State != contract.StateRunning || now.PID != 0 {
			t.Errorf("got %+v", now)
		}
	})
	t.Run("ErrOff", func(t *testing.T) {
		r.run(process("d3", running("serve")))
		r.Stop()
		r.noProcesses = "Kafka listens beyond this machine"
		r.start()
		if now := r.runtime(); now.State != contract.StateFailed {
			t.Errorf("got %+v", now)
		}
		if why := r.refuse(process("d4", running("serve"))); why != `run: the runtime "process" is off: Kafka listens beyond this machine` {
			t.Errorf("got %q", why)
		}
	})
}
