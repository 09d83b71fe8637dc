package stacktest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// creators create projects side by side until end, and keep those that were
// acknowledged.
type creators struct {
	s    *stacktest.Process
	stop chan struct{}
	all  sync.WaitGroup

	mu           sync.Mutex
	acknowledged []string
	refused      map[int]int // answers of another status
}

func (c *creators) create(name string) {
	text, _ := json.Marshal(map[string]string{"name": name})
	req, err := http.NewRequest(http.MethodPost, c.s.URL(contract.GraphHost, "/api/projects"), bytes.NewReader(text))
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+c.s.Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.s.Client.Do(req)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.refused[0]++
		return
	}
	defer func() { _ = res.Body.Close() }()
	var p stacktest.Project
	if res.StatusCode == http.StatusCreated && json.NewDecoder(res.Body).Decode(&p) == nil {
		c.acknowledged = append(c.acknowledged, p.ID)
	} else {
		c.refused[res.StatusCode]++
	}
}

func newCreators(s *stacktest.Process, prefix string) *creators {
	c := &creators{s: s, stop: make(chan struct{}), refused: map[int]int{}}
	for i := range 3 {
		c.all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-c.stop:
					return
				default:
					c.create(prefix + " " + strconv.Itoa(i) + " " + strconv.Itoa(n))
				}
			}
		})
	}
	return c
}

// made is how many were acknowledged so far.
func (c *creators) made() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.acknowledged)
}

// readiness waits until each service's /ready has a status, and text in it.
func readiness(t *testing.T, s *stacktest.Process, addresses map[string]string, status int, text string) {
	t.Helper()
	for name, address := range addresses {
		stacktest.Eventually(t, name+" to answer /ready with "+strconv.Itoa(status), func() bool {
			a := s.Get(t, "http://"+address+"/ready")
			return a.Status == status && strings.Contains(string(a.Body), text)
		})
	}
}

// TestDatabaseOutage takes PostgreSQL away in the midst of projects being made, twice:
// /ready says so while it is away, and all that was acknowledged is deployed, once.
func TestDatabaseOutage(t *testing.T) {
	t.Parallel()
	clustertest.Slow(t)
	server := clustertest.NewPostgres(t)
	s := stacktest.Launch(t, binary, "--database", clustertest.NewDatabase(t, server.URL))
	addresses := map[string]string{}
	parts := partsOf(t, s)
	for _, name := range contract.Names() {
		if address := parts[name].Address; address != "" {
			addresses[name] = address
		}
	}
	deploys(t, s, "before")
	var acknowledged []string
	for round := range 2 {
		c := newCreators(s, "round "+strconv.Itoa(round))
		stacktest.Eventually(t, "projects to be made", func() bool { return c.made() >= 10 })
		server.Stop()
		readiness(t, s, addresses, http.StatusServiceUnavailable, "database")
		before := c.made()
		server.Start()
		readiness(t, s, addresses, http.StatusOK, "ok")
		stacktest.Eventually(t, "projects to be made again", func() bool { return c.made() >= before+5 })
		close(c.stop)
		c.all.Wait()
		acknowledged = append(acknowledged, c.acknowledged...)
		for status, n := range c.refused {
			if status != http.StatusServiceUnavailable {
				t.Errorf("round %d: %d answers of status %d, want 503 alone", round, n, status)
			}
		}
	}
	for _, id := range acknowledged {
		stacktest.Eventually(t, "the deployment of "+id, func() bool {
			var list struct{ Items []struct{ Status string } }
			s.Do(t, http.MethodGet, s.URL(contract.GraphHost, "/api/projects/"+id+"/deployments"), s.Token, nil).Decode(t, http.StatusOK, &list)
			return len(list.Items) == 1 && list.Items[0].Status == contract.StatusSucceeded
		})
	}
	deploys(t, s, "after")
	if n := letters(t, s); n != 0 {
		t.Errorf("%d dead letters", n)
	}
	ended := outcomes(t, s, len(acknowledged)+2)
	for _, id := range acknowledged {
		if got := strings.Join(ended[id], " "); got != contract.DeploymentSucceeded {
			t.Errorf("project %s ended with %q, want one success", id, got)
		}
	}
	t.Logf("%d projects were acknowledged", len(acknowledged))
}

// outcomes reads how deployments have ended, by project, until there are as many. What
// was published again, since the database was away when it was to be noted, counts once:
// it has the same id.
func outcomes(t *testing.T, s *stacktest.Process, want int) map[string][]string {
	t.Helper()
	client := s.Kafka(t, kgo.ConsumeTopics(contract.Topic(contract.Graph)), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	all, ids := map[string][]string{}, map[string]bool{}
	for len(ids) < want {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err0(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			headers := map[string]string{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
			}
			id, typ := headers["ce_id"], headers["ce_type"]
			if !ids[id] && (typ == contract.DeploymentSucceeded || typ == contract.DeploymentFailed) {
				ids[id] = true
				all[string(r.Key)] = append(all[string(r.Key)], typ)
			}
		})
	}
	return all
}
