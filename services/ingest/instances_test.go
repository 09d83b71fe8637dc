package ingest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

// startAll runs n instances on one database.
func startAll(t *testing.T, cluster *clustertest.Broker, n int, change ...func(*service)) []*stack {
	t.Helper()
	dir := t.TempDir()
	all := make([]*stack, n)
	for i := range all {
		all[i] = start(t, cluster, dir, change...)
	}
	return all
}

// TestInstances sends the same events to all instances at once.
func TestInstances(t *testing.T) {
	t.Parallel()
	for _, instances := range []int{2, 3} {
		t.Run(fmt.Sprint(instances), func(t *testing.T) {
			t.Parallel()
			all := startAll(t, hosttest.Cluster(t), instances)
			ask := func(path, body string, header ...string) []hosttest.Reply {
				replies := make([]hosttest.Reply, len(all))
				var group sync.WaitGroup
				for i, s := range all {
					group.Go(func() { replies[i] = s.send(t, http.MethodPost, path, body, header...) })
				}
				group.Wait()
				return replies
			}
			const rounds = 30
			for n := range rounds {
				replies := ask("/api/events", object(fmt.Sprint(n), ""), structuredType)
				// Each batch has what another had, in another order.
				batch := []string{object(fmt.Sprint(n), ""), object(fmt.Sprint("b", n), ""), object(fmt.Sprint("b", n-1), "")}
				replies = append(replies[:len(replies):len(replies)], ask("/api/events", "["+strings.Join(batch, ",")+"]", batchType)...)
				places := map[string]Receipt{}
				for _, reply := range replies {
					for _, item := range hosttest.Decode[Accepted](t, reply, http.StatusAccepted).Items {
						if before, ok := places[item.ID]; ok && before != item {
							t.Errorf("got %+v and %+v", before, item)
						}
						places[item.ID] = item
					}
				}
			}
			if got := all[0].count(); got != 2*rounds+1 {
				t.Errorf("records: got %d, want %d", got, 2*rounds+1)
			}
			// Of requests with one key one is answered. The others are to come back,
			// and get the same.
			for n := range rounds {
				key := fmt.Sprint("Idempotency-Key: ", n)
				var answer string
				for _, reply := range ask(onTopic, `{"records":[{"value":1},{"value":2}]}`, media(restJSON), key) {
					for reply.Status == http.StatusConflict {
						if reply.Header.Get("Retry-After") != "1" {
							t.Fatalf("got %v, want when to try again", reply.Header)
						}
						reply = all[n%instances].send(t, http.MethodPost, onTopic, `{"records":[{"value":1},{"value":2}]}`, media(restJSON), key)
					}
					if reply.Status != http.StatusOK || answer != "" && reply.Body != answer {
						t.Errorf("got %d %s after %s", reply.Status, reply.Body, answer)
					}
					answer = reply.Body
				}
				for _, reply := range ask(onTopic, `{"records":[{"value":3}]}`, media(restJSON), key) {
					hosttest.WantProblem(t, reply, http.StatusUnprocessableEntity)
				}
			}
			if got := all[0].count(); got != 4*rounds+1 {
				t.Errorf("records: got %d, want %d", got, 4*rounds+1)
			}
		})
	}
}

// TestHeld has one instance wait for the broker, and another for that one. Then the
// first ends without an answer of the broker.
func TestHeld(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	cluster := hosttest.Cluster(t)
	all := startAll(t, cluster, 2, func(s *service) { s.publisher.wait = 100 * time.Millisecond })
	gate := mute(cluster)
	hosttest.WantProblem(t, all[0].send(t, http.MethodPost, "/api/events", object("1", ""), structuredType), http.StatusServiceUnavailable)
	waiting := make(chan hosttest.Reply)
	go func() {
		waiting <- all[0].send(t, http.MethodPost, "/api/events", object("2", ""), structuredType, "Idempotency-Key: k")
	}()
	for deadline := time.Now().Add(hosttest.Deadline); ; { // a slow machine may not get as far in time
		a := all[1].send(t, http.MethodPost, "/api/events", object("1", ""), structuredType)
		p := hosttest.WantProblem(t, a, http.StatusServiceUnavailable)
		if a.Header.Get("Retry-After") == "1" && strings.Contains(p.Detail, errHeld.Error()) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %v %s, want it to say why and when to try again", a.Header, a.Body)
		}
	}
	<-waiting
	all[0].Kill()
	close(gate)
	first := all[1].postUntil(t, object("1", ""), structuredType)[0]
	second := all[1].postUntil(t, object("2", ""), structuredType, "Idempotency-Key: k")[0]
	for range all[1].count() {
		r := all[1].kafka.Next()
		want := first
		if hosttest.Headers(r)["ce_id"] == "2" {
			want = second
		}
		if r.Partition != want.Partition || r.Offset != want.Offset {
			t.Errorf("got %+v, want the place of %d/%d", want, r.Partition, r.Offset)
		}
	}
	if got := all[1].count(); got != 2 {
		t.Errorf("records: got %d, want 2", got)
	}
}

// TestExpired has a key and an event that are forgotten.
func TestExpired(t *testing.T) {
	t.Parallel()
	var shift time.Duration
	var mu sync.Mutex
	now := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(shift)
	}
	all := startAll(t, hosttest.Cluster(t), 2, func(s *service) { s.receipts.now, s.idempotency.now = now, now })
	record := `{"records":[{"value":1}]}`
	ask := func(s *stack, body string) hosttest.Reply {
		return s.send(t, http.MethodPost, onTopic, body, media(restJSON), "Idempotency-Key: k")
	}
	first := ask(all[0], record)
	event := all[0].post(t, object("1", ""), structuredType)
	mu.Lock()
	shift = keyRetention - time.Minute
	mu.Unlock()
	if again := ask(all[1], record); again.Body != first.Body {
		t.Errorf("in time: got %s, want %s", again.Body, first.Body)
	}
	hosttest.WantProblem(t, ask(all[1], `{"records":[{"value":2}]}`), http.StatusUnprocessableEntity)
	mu.Lock()
	shift = keyRetention + time.Minute
	mu.Unlock()
	hosttest.Decode[offsets](t, ask(all[1], `{"records":[{"value":2}]}`), http.StatusOK)
	if again := all[1].post(t, object("1", ""), structuredType); again[0] == event[0] {
		t.Error("an event is known after its time")
	}
	if got := all[0].count(); got != 4 {
		t.Errorf("records on %s: got %d, want 4", contract.EventsTopic, got)
	}
}
