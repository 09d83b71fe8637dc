package deployment_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

// peer is another service that asks.
func (r *rig) peer() *bus.Bus {
	r.t.Helper()
	b, err := bus.Open(r.t.Context(), bus.Options{Service: contract.Ingest, Brokers: r.cluster.ListenAddrs(), Timeout: hosttest.Deadline})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(b.Close)
	return b
}

func TestRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.startAll()
	peer := r.peer()
	ask := func(topic, typ string, in, out any) error {
		return peer.Request(t.Context(), bus.Call{Topic: topic, Service: contract.Deployment, Type: typ, Key: "p1", In: in, Out: out})
	}
	r.deployAs("d1")
	r.want("p1", "d1", success("tea")...)
	alice := contract.DeploymentRequest{UserID: "alice", ProjectID: "p1", DeploymentID: "d1"}

	t.Run("OK", func(t *testing.T) {
		var got contract.DeploymentRecord
		if err := ask(topic, contract.GetDeployment, alice, &got); err != nil || got.ID != "d1" || got.Status != "SUCCEEDED" ||
			got.URL != "https://tea.test" {
			t.Errorf("get: %+v (%v)", got, err)
		}
		// As a NestJS peer asks: on the pattern topic.
		var made contract.DeploymentRecord
		create := contract.PatternTopic(contract.Deployment, contract.CreateDeployment)
		if err := ask(create, "", contract.DeploymentRequest{UserID: "alice", ProjectID: "p1"}, &made); err != nil || made.ProjectID != "p1" ||
			made.ID == "d1" {
			t.Fatalf("create: %+v (%v)", made, err)
		}
		r.want("p1", made.ID, success("tea")...)
		var back contract.DeploymentRecord
		rollback := alice
		rollback.Rollback = true
		if err := ask(create, "", rollback, &back); err != nil || back.RollbackTo != "d1" {
			t.Fatalf("roll back: %+v (%v)", back, err)
		}
		r.want("p1", back.ID, append(success("tea")[:1:1], success("tea")[2:]...)...)
		var list contract.DeploymentList
		if err := ask(topic, contract.ListDeployments, contract.DeploymentRequest{UserID: "alice", Limit: 2}, &list); err != nil ||
			len(list.Items) != 2 || list.Items[0].ID != back.ID || list.Next == "" {
			t.Errorf("list: %+v (%v)", list, err)
		}
	})
	t.Run("OKTwice", func(t *testing.T) { // as KafkaJS writes a request again, if it missed the broker's answer
		kafka := hosttest.Dial(t, r.cluster, contract.ReplyTopic(contract.Graph))
		var answers []string
		for range 2 {
			kafka.Send(topic, "", `{"userId":"alice","projectId":"p1"}`, "ce_type", contract.CreateDeployment,
				"kafka_correlationId", "once", "kafka_replyTopic", contract.ReplyTopic(contract.Graph))
			var made contract.DeploymentRecord
			if err := json.Unmarshal(kafka.Next().Value, &made); err != nil {
				t.Fatal(err)
			}
			answers = append(answers, made.ID)
		}
		if answers[0] == "" || answers[0] != answers[1] {
			t.Errorf("got the deployments %q, want one", answers)
		}
		r.want("p1", answers[0], success("tea")...)
	})
	for name, tt := range map[string]struct {
		typ  string
		in   any
		want string
	}{
		"ErrUser":     {contract.GetDeployment, contract.DeploymentRequest{DeploymentID: "d1"}, "userId is missing"},
		"ErrForeign":  {contract.GetDeployment, contract.DeploymentRequest{UserID: "bob", DeploymentID: "d1"}, "there is no such deployment"},
		"ErrEnded":    {contract.CancelDeployment, alice, "the deployment has ended: it is SUCCEEDED"},
		"ErrProject":  {contract.CreateDeployment, contract.DeploymentRequest{UserID: "alice", ProjectID: "none"}, "there is no such project"},
		"ErrRollback": {contract.CreateDeployment, contract.DeploymentRequest{UserID: "alice", Rollback: true}, "deploymentId is missing"},
		"ErrLimit":    {contract.ListDeployments, contract.DeploymentRequest{UserID: "alice", Limit: 201}, "limit must be from 1 to 200"},
		"ErrAfter": {contract.ListDeployments, contract.DeploymentRequest{UserID: "alice", After: "x"},
			"after must be the next of the page before"},
		"ErrType": {contract.ListDeployments, "text", "must be an object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var remote *bus.RemoteError
			if err := ask(topic, tt.typ, tt.in, nil); !errors.As(err, &remote) || !strings.Contains(remote.Message, tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
