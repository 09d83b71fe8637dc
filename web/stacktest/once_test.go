package stacktest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestOnce runs two instances of every service that may have them, doubles every message between them, and
// has everything happen once.
func TestOnce(t *testing.T) {
	t.Parallel()
	var args []string
	for _, service := range contract.Services() {
		if service.Name != contract.Infrastructure { // of which one is active at a time
			args = append(args, "--scale", service.Name+"=2")
		}
	}
	s := newScript(t, stacktest.Launch(t, binary, args...).Stack)
	for _, service := range contract.Services() {
		for _, topic := range []string{contract.Topic(service.Name), contract.ReplyTopic(service.Name)} {
			s.breaks(t, map[string]any{"kind": "topic-duplicate", "target": topic})
		}
	}
	t.Run("Event", func(t *testing.T) { testEventOnce(t, s) })
	t.Run("SignUp", func(t *testing.T) { testSignUpOnce(t, s) })
	t.Run("Project", func(t *testing.T) { testProjectOnce(t, s) })
	t.Run("Command", func(t *testing.T) { testCommandOnce(t, s) })
}

// atOnce does something n times side by side.
func atOnce(n int, do func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { do(i) })
	}
	group.Wait()
}

// publish sends an event, and returns its receipt.
func publish(t *testing.T, s script, id string) string {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL("events.localhost", "/api/events"), http.NoBody)
	if err != nil {
		t.Error(err)
		return ""
	}
	for name, value := range map[string]string{"Ce-Specversion": "1.0", "Ce-Id": id, "Ce-Source": "/once", "Ce-Type": "t"} {
		req.Header.Set(name, value)
	}
	res, err := s.Client.Do(req)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer func() { _ = res.Body.Close() }()
	var accepted struct{ Items []json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&accepted); err != nil || res.StatusCode != http.StatusAccepted || len(accepted.Items) != 1 {
		t.Errorf("event %s: got %d, %v", id, res.StatusCode, err)
		return ""
	}
	return string(accepted.Items[0])
}

func testEventOnce(t *testing.T, s script) {
	const events = 20
	for i := range events {
		var mu sync.Mutex
		places := map[string]bool{}
		atOnce(4, func(int) {
			place := publish(t, s, strconv.Itoa(i))
			mu.Lock()
			defer mu.Unlock()
			places[place] = true
		})
		if len(places) != 1 {
			t.Errorf("event %d: got the receipts %v", i, places)
		}
	}
	client, times := s.Kafka(t, kgo.ConsumeTopics(contract.EventsTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())), map[string]int{}
	for len(times) < events {
		for _, r := range client.PollFetches(t.Context()).Records() {
			times[stacktest.Header(r, "ce_id")]++
		}
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("event %s was published %d times", id, n)
		}
	}
}

func testSignUpOnce(t *testing.T, s script) {
	var mu sync.Mutex
	statuses := map[int]int{}
	atOnce(6, func(int) {
		answer := s.Do(t, http.MethodPost, s.URL(contract.AuthHost, "/api/auth/sign-up/email"), "", map[string]any{
			"name": "Ann", "email": "ann@example.com", "password": "password1234",
		})
		mu.Lock()
		defer mu.Unlock()
		statuses[answer.Status]++
	})
	if statuses[http.StatusOK] != 1 || len(statuses) != 2 {
		t.Errorf("got %v, want one user", statuses)
	}
}

func testProjectOnce(t *testing.T, s script) {
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	const projects = 4
	slugs := map[string]bool{}
	for range projects {
		p := s.Create(t, "", "Once", "")
		slugs[p.Slug] = true
		_, types := ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
		if len(types) != 5 || slices.Contains(types, contract.DeploymentFailed) {
			t.Errorf("pushed: got %v, want each event once", types)
		}
		var list struct{ Items []struct{ Status string } }
		s.Do(t, http.MethodGet, s.URL(contract.GraphHost, "/api/projects/"+p.ID+"/deployments"), s.Token, nil).Decode(t, http.StatusOK, &list)
		if len(list.Items) != 1 {
			t.Errorf("deployments: got %+v, want one", list.Items)
		}
	}
	if len(slugs) != projects {
		t.Errorf("slugs: got %v", slugs)
	}
}

// testCommandOnce sends requests as a peer that does not read the answer, and sends each
// once more.
func testCommandOnce(t *testing.T, s script) {
	client, user := s.Kafka(t), uuid.NewString()
	request := func(service, typ, id, value string) {
		t.Helper()
		r := &kgo.Record{Topic: contract.Topic(service), Key: []byte(user), Value: []byte(value), Headers: []kgo.RecordHeader{
			{Key: "ce_type", Value: []byte(typ)}, {Key: "kafka_correlationId", Value: []byte(id)}, {Key: "kafka_replyTopic", Value: []byte(replies)},
		}}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	const commands = 5
	for i := range commands {
		request(contract.Graph, contract.CreateProject, fmt.Sprint("create-", i), fmt.Sprintf(`{"userId":%q,"name":"Command %d"}`, user, i))
	}
	reader := s.Kafka(t, kgo.ConsumeTopics(contract.Topic(contract.Deployment)), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	created := map[string]string{} // event ids by project
	for deadline := time.Now().Add(stacktest.Timeout); len(created) < commands && time.Now().Before(deadline); {
		for _, r := range reader.PollFetches(t.Context()).Records() {
			var e contract.ProjectEvent
			if err := json.Unmarshal(r.Value, &e); err == nil && e.UserID == user {
				created[e.ProjectID] = stacktest.Header(r, "ce_id")
			}
		}
	}
	if len(created) != commands {
		t.Errorf("%d projects came of %d commands", len(created), commands)
	}
}

// TestLateProvision holds infrastructure-service's messages back until the deployment
// has failed: they are dropped then, and no site comes up.
func TestLateProvision(t *testing.T) {
	t.Parallel()
	clustertest.Slow(t)
	s := newScript(t, stacktest.Launch(t, binary).Stack)
	fault := s.breaks(t, map[string]any{"kind": "topic-delay", "target": contract.Topic(contract.Infrastructure), "delayMs": 12_000,
		"seconds": 120})
	p := s.Create(t, "", "Late", "")
	status := ""
	for deadline := time.Now().Add(4 * stacktest.Timeout); status != contract.StatusFailed; time.Sleep(100 * time.Millisecond) {
		var list struct{ Items []struct{ Status string } }
		s.Do(t, http.MethodGet, s.URL(contract.GraphHost, "/api/projects/"+p.ID+"/deployments"), s.Token, nil).Decode(t, http.StatusOK, &list)
		if len(list.Items) == 1 {
			status = list.Items[0].Status
		}
		if status == contract.StatusSucceeded || time.Now().After(deadline) {
			t.Fatalf("the deployment is %s, want it to fail", status)
		}
	}
	s.send(t, http.MethodDelete, "/api/faults/"+fault, nil)
	// Behind what was held back.
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	other := s.Create(t, "", "Other", "")
	ws.ReadUntil(t, other.ID, contract.DeploymentSucceeded)
	stacktest.Eventually(t, "the requests to be dropped", func() bool {
		var list struct{ Items []struct{ Slug string } }
		s.Do(t, http.MethodGet, s.URL("infrastructure.localhost", "/api/runtimes"), s.Token, nil).Decode(t, http.StatusOK, &list)
		return len(list.Items) == 1 && list.Items[0].Slug == other.Slug
	})
	if site := s.Get(t, s.URL(p.Slug+"."+contract.AppsDomain, "/")); site.Status != http.StatusNotFound {
		t.Errorf("site: got %d, want none", site.Status)
	}
}
