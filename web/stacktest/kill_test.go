package stacktest_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"axion/services/contract"
	"axion/web/stacktest"
)

// killed are the projects that were accepted while the program was killed again and
// again.
type killed struct {
	mu    sync.Mutex
	slugs map[string]string // by id
	tried int
}

// load creates projects until one is refused.
func (k *killed) load(b *testing.B, s *stacktest.Process) {
	for {
		k.mu.Lock()
		k.tried++
		body, _ := json.Marshal(map[string]any{"name": "kill " + strconv.Itoa(k.tried)})
		k.mu.Unlock()
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.URL(contract.GraphHost, "/api/projects"), bytes.NewReader(body))
		if err != nil {
			return
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+s.Token)
		res, err := s.Client.Do(req)
		if err != nil {
			return
		}
		var p stacktest.Project
		err = json.NewDecoder(res.Body).Decode(&p)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusCreated {
			return
		}
		k.mu.Lock()
		k.slugs[p.ID] = p.Slug
		k.mu.Unlock()
	}
}

// BenchmarkKill kills the program (-9) at a random moment under load, as often as
// -benchtime says (100x, for instance), always on the same directory. In the end each
// project that was accepted must be deployed, once, and have each of its events once.
func BenchmarkKill(b *testing.B) {
	data := b.TempDir()
	k := &killed{slugs: map[string]string{}}
	for b.Loop() {
		s := stacktest.Launch(b, binary, "--data", data)
		var loads sync.WaitGroup
		for range 2 {
			loads.Go(func() { k.load(b, s) })
		}
		timer := time.NewTimer(time.Duration(10+rand.IntN(140)) * time.Millisecond)
		<-timer.C
		s.Kill(b)
		loads.Wait()
	}
	s := stacktest.Launch(b, binary, "--data", data)
	messages := 0
	for id, slug := range k.slugs {
		address := s.URL(contract.GraphHost, "/api/projects/"+id)
		stacktest.Eventually(b, "project "+id+" is deployed", func() bool {
			var list struct{ Items []struct{ Status string } }
			s.Do(b, http.MethodGet, address+"/deployments", s.Token, nil).Decode(b, http.StatusOK, &list)
			return len(list.Items) == 1 && list.Items[0].Status == contract.StatusSucceeded
		})
		messages += k.events(b, s, address)
		if page := s.Get(b, s.URL(slug+"."+contract.AppsDomain, "/")); page.Status != http.StatusOK {
			b.Errorf("site %s: got %d", slug, page.Status)
		}
	}
	b.ReportMetric(float64(len(k.slugs)), "projects")
	b.ReportMetric(float64(messages), "messages")
}

// events counts a project's events, and checks that none is there twice.
func (k *killed) events(b *testing.B, s *stacktest.Process, address string) int {
	b.Helper()
	var list struct {
		Items []struct {
			Type string
			Data contract.DeploymentEvent
		}
	}
	s.Do(b, http.MethodGet, address+"/events", s.Token, nil).Decode(b, http.StatusOK, &list)
	seen := map[string]int{}
	for _, e := range list.Items {
		seen[e.Type+" "+e.Data.Step]++
	}
	for what, n := range seen {
		if n != 1 {
			b.Errorf("%s: %s is there %d times", address, what, n)
		}
	}
	if len(seen) != 5 {
		b.Errorf("%s: got %v, want creation, start, two steps and success", address, seen)
	}
	return len(list.Items)
}
