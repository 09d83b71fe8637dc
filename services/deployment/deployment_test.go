package deployment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"axion/services/contract"
	"axion/services/host/hosttest"
)

const more = `,"deploymentId":"d1","name":"Tea","slug":"tea","template":"t","config":{"a":1}`

func TestDeploy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.startAll()
	r.send(contract.ProjectCreated, "e1", "p1", more)
	r.want("p1", "d1", success("tea")...)
	want := []string{
		`GENERATE_CODE key=p1 project=p1 template=t name=Tea config={"a":1}`,
		`PROVISION key=p1 project=p1 deployment=d1 slug=tea files=[{index.html p1}]`,
	}
	if got := r.requests(); !slices.Equal(got, want) {
		t.Errorf("asked:\n%q\nwant\n%q", got, want)
	}
	t.Run("OK/again", func(t *testing.T) {
		// The same event, and the same deployment in another event.
		r.send(contract.ProjectCreated, "e1", "p1", more)
		r.send(contract.ProjectCreated, "e2", "p1", more)
		r.send(contract.DeploymentRequested, "e3", "p1", strings.Replace(more, "d1", "d2", 1))
		r.want("p1", "d2", success("tea")...)
		r.Stop()
		r.start()
		r.send(contract.ProjectCreated, "e1", "p1", more)
		r.send(contract.DeploymentRequested, "e4", "p1", strings.Replace(more, "d1", "d3", 1))
		r.want("p1", "d3", success("tea")...)
		if got := r.requests(); len(got) != 4 {
			t.Errorf("asked %d times for two deployments: %q", len(got), got)
		}
	})
	t.Run("OK/deleted", func(t *testing.T) {
		r.send(contract.ProjectDeleted, "e5", "p1", more)
		r.send(contract.ProjectCreated, "e1", "p1", more)
		r.send(contract.DeploymentRequested, "e6", "p1", strings.Replace(more, "d1", "d4", 1))
		r.want("p1", "d4", success("tea")...)
		got := r.requests()
		if len(got) != 3 || got[0] != `DEPROVISION key=p1 {"projectId":"p1"}` || !strings.Contains(got[2], "d4") {
			t.Errorf("asked %q, want DEPROVISION, and nothing of what was before it", got)
		}
	})
}

func TestForeignProducer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.startAll()
	// Nothing but what a foreign service must say, and no header but the type.
	r.kafka.Send(topic, "", `{"projectId":"P_1.x","userId":"u","config":{"title":"Hi"}}`, "ce_type", contract.ProjectCreated)
	r.kafka.Send(topic, "P2", `{"projectId":"P2"}`, "ce_type", contract.ProjectCreated)
	seen := map[string][]string{}
	ids := map[string]string{}
	for range 8 {
		typ, data, _ := strings.Cut(r.next(), " ")
		fields, _ := hosttest.Fields(t, []byte(data))
		project := fmt.Sprint(fields["projectId"])
		seen[project] = append(seen[project], typ)
		id := fmt.Sprint(fields["deploymentId"])
		if _, err := uuid.Parse(id); err != nil || ids[project] != "" && ids[project] != id {
			t.Errorf("deployment id of %s: got %q after %q (%v)", project, id, ids[project], err)
		}
		ids[project] = id
	}
	want := []string{contract.DeploymentStarted, contract.DeploymentProgress, contract.DeploymentProgress, contract.DeploymentSucceeded}
	for _, project := range []string{"P_1.x", "P2"} {
		if !slices.Equal(seen[project], want) {
			t.Errorf("%s: got %q, want %q", project, seen[project], want)
		}
	}
	asked := r.requests()
	slices.Sort(asked)
	wantAsked := []string{
		"GENERATE_CODE key=P2 project=P2 template=static-site name= config={}",
		`GENERATE_CODE key=P_1.x project=P_1.x template=static-site name= config={"title":"Hi"}`,
		"PROVISION key=P2 project=P2 deployment=" + ids["P2"] + " slug=p2 files=[{index.html P2}]",
		"PROVISION key=P_1.x project=P_1.x deployment=" + ids["P_1.x"] + " slug=p-1-x files=[{index.html P_1.x}]",
	}
	if !slices.Equal(asked, wantAsked) {
		t.Errorf("asked:\n%q\nwant\n%q", asked, wantAsked)
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.startAll()
	r.send(contract.ProjectCreated, "e1", "p1", `,"deploymentId":"d1","template":"unknown"`)
	r.want("p1", "d1", "STARTED", `FAILED "error":"codegen: unknown template \"unknown\"; there are static-site"`)
	r.send(contract.ProjectCreated, "e2", "p2", `,"deploymentId":"d2","template":"broken"`)
	r.want("p2", "d2", "STARTED", `FAILED "error":"codegen: Internal server error"`)
	r.send(contract.ProjectCreated, "e3", "p3", `,"deploymentId":"d3","slug":"taken"`)
	r.want("p3", "d3", "STARTED", `PROGRESS "step":"codegen"`, `FAILED "error":"provision: the name taken.apps.localhost is taken"`)
	// A failed deployment stays so; the next one of the project has its chance.
	r.send(contract.ProjectCreated, "e1", "p1", `,"deploymentId":"d1","template":"good"`)
	r.send(contract.DeploymentRequested, "e4", "p1", `,"deploymentId":"d4","template":"good"`)
	r.want("p1", "d4", success("p1")...)
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.startAll()
	r.kafka.Event(topic, "p", contract.ProjectCreated, "garbage", "\xff{")
	r.kafka.Event(topic, "p", contract.ProjectCreated, "no-project", `{"userId":"alice"}`)
	r.send(contract.ProjectCreated, "good", "p", `,"deploymentId":"d"`)
	r.want("p", "d", success("p")...)
	dead := hosttest.Dial(t, r.cluster, contract.DeadLetterTopic(contract.Deployment))
	for _, want := range []struct{ id, text string }{{"garbage", "must be an object"}, {"no-project", "projectId is missing"}} {
		h := hosttest.Headers(dead.Next())
		if h["ce_id"] != want.id || h["dlq_attempts"] != "1" || !strings.Contains(h["dlq_error"], want.text) {
			t.Errorf("dead letter: got %v, want %+v at the first attempt", h, want)
		}
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	for _, silent := range []struct{ name, service, text string }{
		{"Codegen", contract.Codegen, "codegen: GENERATE_CODE on axion.codegen-service: codegen-service did not answer within "},
		{"Infrastructure", contract.Infrastructure,
			"provision: PROVISION on axion.infrastructure-service: infrastructure-service did not answer within "},
	} {
		t.Run("Err"+silent.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.opts.Timeout = 2 * time.Second
			want := 2
			if silent.service != contract.Codegen {
				r.codegen()
				want++
			}
			r.start()
			r.send(contract.ProjectCreated, "e1", "p1", more)
			var last string
			for range want {
				last = r.next()
			}
			if !strings.HasPrefix(last, contract.DeploymentFailed) || !strings.Contains(last, silent.text) {
				t.Errorf("got %s, want it to fail with %q", last, silent.text)
			}
			for asked, n := hosttest.Dial(t, r.cluster, contract.Topic(silent.service)), 0; n < 3; n++ {
				asked.Next() // it was asked three times
			}
		})
	}
}

// TestResume ends the process while a service is asked, and starts it again.
func TestResume(t *testing.T) {
	t.Parallel()
	for typ, before := range map[string][]string{contract.GenerateCode: success("tea")[:1], contract.Provision: success("tea")[:2]} {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			begun, end := make(chan struct{}, 10), make(chan struct{})
			r.hold = func(asked string) {
				if asked == typ {
					begun <- struct{}{}
					<-end
				}
			}
			r.startAll()
			r.send(contract.ProjectCreated, "e1", "p1", more)
			r.want("p1", "d1", before...)
			<-begun
			r.Kill()
			close(end)
			r.start()
			r.want("p1", "d1", success("tea")[len(before):]...)
			// Had anything been reported twice, it would come before this.
			r.send(contract.DeploymentRequested, "e2", "p1", strings.Replace(more, "d1", "d2", 1))
			r.want("p1", "d2", success("tea")...)
		})
	}
}
