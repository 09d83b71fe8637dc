package deployment_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/deployment"
	"axion/services/host"
	"axion/services/host/hosttest"
)

// gate holds what codegen or infrastructure is asked, until it is opened.
type gate struct {
	begun chan struct{}
	end   chan struct{}
	open  func()
}

// hold has the first request of a type wait.
func (r *rig) holdFirst(typ string) *gate {
	g := &gate{begun: make(chan struct{}), end: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.end) })
	r.t.Cleanup(g.open)
	var held atomic.Bool
	r.hold = func(asked string) {
		if asked == typ && held.CompareAndSwap(false, true) {
			close(g.begun)
			<-g.end
		}
	}
	return g
}

// deployAs asks for deployment id of project p1 with the fields of more.
func (r *rig) deployAs(id string) {
	r.t.Helper()
	r.send(contract.DeploymentRequested, "event-"+id, "p1", strings.Replace(more, "d1", id, 1))
}

func (r *rig) do(method, path string) hosttest.Reply {
	r.t.Helper()
	return hosttest.Do(r.t, method, r.URL+"/api/deployments"+path, "", hosttest.As("alice"))
}

func (r *rig) record(method, path string, status int) contract.DeploymentRecord {
	r.t.Helper()
	return hosttest.Decode[contract.DeploymentRecord](r.t, r.do(method, path), status)
}

// messages are a deployment's log, as "step level message" with numbers left out.
func (r *rig) messages(id string) (all []string) {
	r.t.Helper()
	page := hosttest.Decode[host.Page[deployment.LogLine]](r.t, r.do("GET", "/"+id+"/logs"), 200)
	for i, l := range page.Items {
		if l.Sequence != int64(i+1) {
			r.t.Errorf("line %d has sequence %d", i+1, l.Sequence)
		}
		words := strings.Fields(l.Message)
		all = append(all, fmt.Sprintf("%s %s %s", l.Step, l.Level, strings.Join(words[:min(2, len(words))], " ")))
	}
	return all
}

func TestQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hosttest.Auth(t, r.cluster)
	g := r.holdFirst(contract.GenerateCode)
	r.startAll()
	r.deployAs("d1")
	r.deployAs("d2")
	r.deployAs("d3")
	<-g.begun
	r.want("p1", "d1", success("tea")[:1]...)
	// Another project's deployment does not wait for the one that is held.
	r.send(contract.ProjectCreated, "other", "p2", `,"deploymentId":"o1","slug":"other"`)
	r.want("p2", "o1", success("other")...)
	g.open()
	r.want("p1", "d1", success("tea")[1:]...)
	r.want("p1", "d2", success("tea")...)
	r.want("p1", "d3", success("tea")...)
	list := hosttest.Decode[contract.DeploymentList](t, r.do("GET", "?projectId=p1&limit=2"), 200)
	if len(list.Items) != 2 || list.Items[0].ID != "d3" || list.Items[1].ID != "d2" || list.Next == "" {
		t.Errorf("list: %+v", list)
	}
	rest := hosttest.Decode[contract.DeploymentList](t, r.do("GET", "?projectId=p1&after="+list.Next), 200)
	if len(rest.Items) != 1 || rest.Items[0].ID != "d1" || rest.Next != "" {
		t.Errorf("rest: %+v", rest)
	}
	if got := slices.Compact(r.messages("d2")); !slices.Equal(got, []string{
		" info started", "codegen info 1 file", "provision info runs at", " info succeeded: https://tea.test",
	}) {
		t.Errorf("log: %q", got)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hosttest.Auth(t, r.cluster)
	g := r.holdFirst(contract.Provision)
	r.startAll()
	r.deployAs("d1")
	<-g.begun
	g.open()
	r.want("p1", "d1", success("tea")...)
	r.requests()

	g = r.holdFirst(contract.Provision)
	r.deployAs("d2")
	r.deployAs("d3")
	<-g.begun
	r.want("p1", "d2", success("tea")[:2]...)
	r.until(func() bool { return r.do("GET", "/d3").Status == 200 })
	// What waits is cancelled at once.
	if got := r.record("POST", "/d3/cancel", 202); got.Status != contract.StatusCancelled {
		t.Errorf("d3 after its cancellation: %+v", got)
	}
	r.want("p1", "d3", "CANCELLED")
	// What is under way is undone: the last success is put back.
	cancelled := make(chan contract.DeploymentRecord, 1)
	go func() { cancelled <- r.record("POST", "/d2/cancel", 202) }()
	r.until(func() bool { return r.cancelling("d2") })
	g.open()
	r.want("p1", "d2", "CANCELLED")
	<-cancelled
	if got := r.record("GET", "/d2", 200); got.Status != contract.StatusCancelled || got.URL != "" {
		t.Errorf("d2 after its cancellation: %+v", got)
	}
	asked := r.requests()
	if last := asked[len(asked)-1]; !strings.Contains(last, "PROVISION") || !strings.Contains(last, "deployment=d1") {
		t.Errorf("asked %q, want d1 put back at last", asked)
	}
	// The queue goes on, and what has ended stays so.
	r.deployAs("d4")
	r.want("p1", "d4", success("tea")...)
	hosttest.WantProblem(t, r.do("POST", "/d4/cancel"), 409)
	hosttest.WantProblem(t, r.do("POST", "/d2/cancel"), 409)
	hosttest.WantProblem(t, r.do("POST", "/nothing/cancel"), 404)
	hosttest.WantProblem(t, hosttest.Do(t, "POST", r.URL+"/api/deployments/d4/cancel", "", hosttest.As("bob")), 404)
	hosttest.WantProblem(t, hosttest.Do(t, "POST", r.URL+"/api/deployments/d4/cancel", ""), 401)
}

// TestCancelFirst cancels a project's only deployment: there is nothing to put
// back, so it is taken down.
func TestCancelFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hosttest.Auth(t, r.cluster)
	g := r.holdFirst(contract.Provision)
	r.startAll()
	r.deployAs("d1")
	<-g.begun
	r.want("p1", "d1", success("tea")[:2]...)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		r.do("POST", "/d1/cancel")
	}()
	r.until(func() bool { return r.cancelling("d1") })
	g.open()
	r.want("p1", "d1", "CANCELLED")
	<-answered
	asked := r.requests()
	if last := asked[len(asked)-1]; !strings.HasPrefix(last, "DEPROVISION") {
		t.Errorf("asked %q, want the site taken down", asked)
	}
}

// TestCancelResumes stops the service between a cancellation and its end.
func TestCancelResumes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hosttest.Auth(t, r.cluster)
	g := r.holdFirst(contract.Provision)
	r.startAll()
	r.deployAs("d1")
	<-g.begun
	r.want("p1", "d1", success("tea")[:2]...)
	peer := r.peer()
	go func() {
		_ = peer.Request(t.Context(), bus.Call{ // nobody will answer
			Topic: topic, Type: contract.CancelDeployment, In: contract.DeploymentRequest{UserID: "alice", DeploymentID: "d1"},
		})
	}()
	r.until(func() bool { return r.cancelling("d1") })
	r.Kill()
	g.open()
	r.start()
	r.want("p1", "d1", "CANCELLED")
}

func TestRollback(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hosttest.Auth(t, r.cluster)
	r.startAll()
	r.deployAs("d1")
	r.want("p1", "d1", success("tea")...)
	r.deployAs("d2")
	r.want("p1", "d2", success("tea")...)
	r.send(contract.DeploymentRequested, "e3", "p1", `,"deploymentId":"d3","template":"unknown"`)
	r.next()
	r.next()
	r.requests()
	t.Run("OK", func(t *testing.T) {
		made := r.record("POST", "/d1/rollback", 202)
		if made.RollbackTo != "d1" || made.ID == "d1" || made.ProjectID != "p1" {
			t.Errorf("got %+v", made)
		}
		r.want("p1", made.ID, "STARTED", `PROGRESS "step":"provision"`, `SUCCEEDED "url":"https://tea.test"`)
		want := []string{"PROVISION key=p1 project=p1 deployment=" + made.ID + " slug=tea files=[{index.html p1}]"}
		if got := r.requests(); !slices.Equal(got, want) {
			t.Errorf("asked %q, want %q: codegen is not asked", got, want)
		}
	})
	t.Run("OK/redeploy", func(t *testing.T) {
		made := r.record("POST", "/d1/redeploy", 202)
		r.want("p1", made.ID, success("tea")...)
		if got := r.requests(); len(got) != 2 || !strings.Contains(got[0], `template=t name=Tea config={"a":1}`) {
			t.Errorf("asked %q, want codegen asked as for d1", got)
		}
	})
	t.Run("ErrFailed", func(t *testing.T) {
		p := hosttest.WantProblem(t, r.do("POST", "/d3/rollback"), 409)
		if !strings.Contains(p.Detail, "only a deployment that succeeded") {
			t.Errorf("got %q", p.Detail)
		}
	})
	t.Run("ErrPruned", func(t *testing.T) {
		for i := range 10 {
			id := fmt.Sprint("more", i)
			r.deployAs(id)
			r.want("p1", id, success("tea")...)
		}
		p := hosttest.WantProblem(t, r.do("POST", "/d2/rollback"), 409)
		if !strings.Contains(p.Detail, "last 10 deployments") {
			t.Errorf("got %q", p.Detail)
		}
	})
	t.Run("ErrDeleted", func(t *testing.T) {
		r.send(contract.ProjectDeleted, "gone", "p1", "")
		r.until(func() bool { return r.do("GET", "/d1").Status == 404 })
		hosttest.WantProblem(t, r.do("POST", "/d1/rollback"), 404)
		hosttest.WantProblem(t, r.do("GET", "/d1/logs"), 404)
	})
}

// TestDeleteUnderWay deletes a project while one deployment of it is under way,
// and another waits.
func TestDeleteUnderWay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.holdFirst(contract.Provision)
	r.startAll()
	r.deployAs("d1")
	<-g.begun
	r.want("p1", "d1", success("tea")[:2]...)
	r.deployAs("d2")
	r.send(contract.ProjectDeleted, "gone", "p1", "")
	r.want("p1", "d2", "CANCELLED")
	g.open()
	r.want("p1", "d1", "CANCELLED")
	r.deployAs("d3")
	r.want("p1", "d3", success("tea")...)
	asked := r.requests()
	if n := len(asked); n < 4 || !strings.HasPrefix(asked[n-3], "DEPROVISION") || !strings.Contains(asked[n-1], "deployment=d3") {
		t.Errorf("asked %q, want the site taken down before d3", asked)
	}
}
