package deployment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
	"axion/services/host/hosttest"
)

// late is a rig whose infrastructure-service holds the first PROVISION until deployment
// d1 has failed.
func late(t *testing.T) (*rig, *gate) {
	t.Helper()
	r := newRig(t)
	hosttest.Auth(t, r.cluster)
	r.opts.Timeout = time.Second
	g := r.holdFirst(contract.Provision)
	r.startAll()
	r.deployAs("d1")
	r.want("p1", "d1", success("tea")[:2]...)
	<-g.begun
	r.failed("d1")
	return r, g
}

// failed waits until a deployment has.
func (r *rig) failed(id string) {
	r.t.Helper()
	if got := r.next(); !strings.HasPrefix(got, contract.DeploymentFailed) || !strings.Contains(got, id) {
		r.t.Fatalf("got %s, want that %s failed", got, id)
	}
}

// said waits until a deployment's log says so.
func (r *rig) said(id, message string) {
	r.t.Helper()
	r.until(func() bool { return strings.Contains(r.do("GET", "/"+id+"/logs").Body, message) })
}

// left is what is still to be done of deployments that have ended.
func (r *rig) left() (n int) {
	r.t.Helper()
	err := r.DB.QueryRow(`SELECT (SELECT count(*) FROM unanswered) + (SELECT count(*) FROM deployments WHERE undo)`).Scan(&n)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// wantUndone waits until d1 is undone, by one request after the first PROVISION alone.
func (r *rig) wantUndone(message, request string) {
	r.t.Helper()
	r.said("d1", message)
	r.until(func() bool { return r.left() == 0 })
	asked := r.requests()
	if len(asked) < 1 || asked[len(asked)-1] != request {
		r.t.Errorf("asked %q, want %s at last", asked, request)
	}
	for _, one := range asked[:len(asked)-1] {
		if strings.HasPrefix(one, contract.Deprovision) {
			r.t.Errorf("asked %q, want one that undoes", asked)
		}
	}
}

const takenDown = `DEPROVISION key=p1 {"projectId":"p1","deploymentId":"d1"}`

func TestLate(t *testing.T) {
	t.Parallel()
	r, g := late(t)
	g.open()
	r.wantUndone("undone: what ran of it is taken down", takenDown)
	r.said("d1", "an answer came after the deployment had ended")
	// The next one is deployed as any.
	r.deployAs("d2")
	r.want("p1", "d2", success("tea")...)
	if record := r.record("GET", "/d1", 200); record.Status != contract.StatusFailed {
		t.Errorf("got %+v, want that it stays failed", record)
	}
}

// TestLateRestart has the answer come while the service is down.
func TestLateRestart(t *testing.T) {
	t.Parallel()
	r, g := late(t)
	before := hosttest.Dial(t, r.cluster).Count(contract.ReplyTopic(contract.Deployment))
	r.Kill()
	g.open()
	r.until(func() bool {
		return hosttest.Dial(t, r.cluster).Count(contract.ReplyTopic(contract.Deployment)) > before
	})
	r.start()
	r.wantUndone("undone: what ran of it is taken down", takenDown)
}

// TestLateBefore has a deployment from before, which is put back.
func TestLateBefore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hosttest.Auth(t, r.cluster)
	r.opts.Timeout = time.Second
	r.startAll()
	r.deployAs("d0")
	r.want("p1", "d0", success("tea")...)
	g := r.holdFirst(contract.Provision)
	r.deployAs("d1")
	r.want("p1", "d1", success("tea")[:2]...)
	<-g.begun
	r.failed("d1")
	g.open()
	r.wantUndone("undone: deployment d0 is back in place", "PROVISION key=p1 project=p1 deployment=d0 slug=tea files=[{index.html p1}]")
}

// TestLateNewer has a newer deployment that is live when the answer is there.
func TestLateNewer(t *testing.T) {
	t.Parallel()
	r, g := late(t)
	r.deployAs("d2")
	r.want("p1", "d2", success("tea")[:1]...)
	g.open()
	r.want("p1", "d2", success("tea")[1:]...)
	r.said("d1", "nothing to undo: deployment d2 is live")
	r.until(func() bool { return r.left() == 0 })
	for _, asked := range r.requests() {
		if strings.HasPrefix(asked, contract.Deprovision) {
			t.Errorf("asked %s", asked)
		}
	}
}

// TestLateDropped has infrastructure-service come when nobody waits for it any more.
func TestLateDropped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hosttest.Auth(t, r.cluster)
	r.opts.Timeout = 300 * time.Millisecond
	r.codegen()
	r.start()
	r.deployAs("d1")
	r.want("p1", "d1", success("tea")[:2]...)
	r.failed("d1")
	r.requests()
	r.infrastructure()
	r.until(func() bool { return r.left() == 0 })
	if asked := r.requests(); len(asked) != 0 {
		t.Errorf("asked %q, want that it was dropped", asked)
	}
}

// TestLateTwice has a peer that knows nothing of expiry, and answers each PROVISION
// twice.
func TestLateTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hosttest.Auth(t, r.cluster)
	r.opts.Timeout = 300 * time.Millisecond
	r.codegen()
	r.start()
	peer := hosttest.Dial(t, r.cluster, contract.Topic(contract.Infrastructure))
	answer := func(request *kgo.Record) {
		h := hosttest.Headers(request)
		peer.Send(h["kafka_replyTopic"], "", `{"url":"https://tea.test","address":"http://127.0.0.1:1"}`,
			"kafka_correlationId", h["kafka_correlationId"], "kafka_nest-is-disposed", "\x00")
	}
	r.deployAs("d1")
	r.want("p1", "d1", success("tea")[:2]...)
	r.failed("d1")
	var requests []*kgo.Record
	for range 3 {
		requests = append(requests, peer.Next())
	}
	for _, request := range slices.Concat(requests, requests) {
		answer(request)
	}
	undo := peer.Next()
	if got := fmt.Sprintf("%s key=%s %s", hosttest.Type(undo), undo.Key, undo.Value); got != takenDown {
		t.Errorf("got %s, want %s", got, takenDown)
	}
	answer(undo)
	r.said("d1", "undone: what ran of it is taken down")
	answer(requests[0])
	r.until(func() bool { return r.left() == 0 })
	if got := strings.Count(r.do("GET", "/d1/logs").Body, "an answer came"); got != 1 {
		t.Errorf("told %d times of a late answer, want once", got)
	}
}

// TestDueUndo: a deployment that has ended and is to be undone is due at a start, though
// nothing else of its project is.
func TestDueUndo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hosttest.Auth(t, r.cluster)
	r.startAll()
	r.deployAs("d1")
	r.want("p1", "d1", success("tea")...)
	if _, err := r.DB.Exec(`UPDATE deployments SET status = 'FAILED', undo = TRUE WHERE id = 'd1'`); err != nil {
		t.Fatal(err)
	}
	r.Stop()
	r.start()
	r.wantUndone("undone: what ran of it is taken down", takenDown)
}
