package host_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/services/bus"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

// TestReadyNow takes the broker away, twice: /ready says so each time, and says when it
// is back.
func TestReadyNow(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	cluster := hosttest.Cluster(t)
	hosttest.Auth(t, cluster)
	h := newHost(t, hosttest.Options(t, cluster, t.TempDir()))
	h.Bus.Handle("ANY", func(context.Context, *bus.Message) (any, error) { return nil, nil })
	h.DependsOn(contract.Codegen)
	s := hosttest.Start(t, h, nil)
	ready := func(status int) (body string) {
		t.Helper()
		for end := time.Now().Add(hosttest.Deadline); ; {
			r := hosttest.Do(t, "GET", s.URL+"/ready", "")
			if r.Status == status {
				return r.Body
			}
			if time.Now().After(end) {
				t.Fatalf("/ready: got %d, want %d: %s", r.Status, status, r.Body)
			}
		}
	}
	depends := func() map[string]string {
		all := map[string]string{}
		for _, d := range h.Dependencies(t.Context()) {
			all[d.Name] = fmt.Sprint(d.Err)
		}
		return all
	}
	ready(200)
	want := map[string]string{
		"database": "<nil>", "storage": "<nil>", "bus": "<nil>", contract.Auth: "<nil>", contract.Codegen: "nobody is in its consumer group",
	}
	if got := depends(); !maps.Equal(got, want) {
		t.Errorf("depends: got %v, want %v", got, want)
	}
	for range 2 {
		back := silence(cluster)
		if body := ready(503); !strings.Contains(body, "broker does not answer") {
			t.Errorf("got %s, want what is missing", body)
		}
		if got := depends(); got["bus"] == "<nil>" || got[contract.Auth] == "<nil>" || got["database"] != "<nil>" {
			t.Errorf("without a broker: got %v", got)
		}
		back()
		ready(200)
	}
	_ = h.DB.Close()
	if body := ready(503); !strings.Contains(body, "database") {
		t.Errorf("without a database: got %s", body)
	}
}

// silence has the broker answer no question for metadata until the function is called.
func silence(cluster *clustertest.Broker) (back func()) {
	away := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case <-away:
			return nil, nil, false
		default:
			cluster.KeepControl()
			return nil, errors.New("away"), true
		}
	})
	return func() { close(away) }
}
