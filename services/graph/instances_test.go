package graph_test

import (
	"fmt"
	"slices"
	"testing"

	"axion/services/contract"
	"axion/services/graph"
	"axion/services/graph/live"
	"axion/services/graph/readmodel"
	"axion/services/host"
	"axion/services/host/hosttest"
)

// TestInstances runs two of one service: whichever of them receives an event, the
// WebSockets of both send it, in the same order.
func TestInstances(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	hosttest.Auth(t, cluster)
	dir := t.TempDir()
	var rigs []*rig
	for range 2 {
		o := hosttest.Options(t, cluster, dir)
		o.Shared = true
		h, err := graph.New(t.Context(), o)
		rigs = append(rigs, &rig{t: t, cluster: cluster, dir: dir, Service: hosttest.Start(t, h, err)})
	}
	sockets := []*socket{rigs[0].dial(t, "alice", ""), rigs[1].dial(t, "alice", "")}
	const projects, each = 6, 5
	kafka := hosttest.Dial(t, cluster)
	for i := range projects { // of several partitions, so that both instances have some
		p := rigs[i%2].create("alice", "one of many")
		for n := range each {
			kafka.Event(graphTopic, p.ID, contract.DeploymentProgress, fmt.Sprint(i, "-", n),
				fmt.Sprintf(`{"projectId":%q,"deploymentId":"d%d-%d"}`, p.ID, i, n))
		}
	}
	var got [2][]string
	for i, s := range sockets {
		var last live.Message
		for range projects * (each + 1) { // each one's creation too
			m := s.next(t)
			if !m.At.After(last.At) {
				t.Errorf("socket %d: %s at %s comes after one at %s", i, m.DeploymentID, m.At, last.At)
			}
			last = m
			got[i] = append(got[i], m.DeploymentID)
		}
	}
	if !slices.Equal(got[0], got[1]) {
		t.Errorf("got  %q\nand  %q", got[0], got[1])
	}
	// What one instance has sent, a client finds at the other.
	again := rigs[1].dial(t, "alice", "1970-01-01T00:00:00Z")
	for _, want := range got[0] {
		if m := again.next(t); m.DeploymentID != want {
			t.Errorf("replay: got %s, want %s", m.DeploymentID, want)
		}
	}
	slugs := map[string]bool{}
	for _, p := range hosttest.Decode[host.Page[readmodel.Project]](t, rigs[0].do("alice", "GET", "/api/projects", ""), 200).Items {
		slugs[p.Slug] = true
	}
	if len(slugs) != projects {
		t.Errorf("slugs: got %v, want %d", slugs, projects)
	}
}
