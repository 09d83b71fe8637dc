package graph_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"axion/services/contract"
	"axion/services/graph"
	"axion/services/host/hosttest"
)

// TestAdopt starts on a database from before there was a history, and rebuilds
// it all the same.
func TestAdopt(t *testing.T) {
	t.Parallel()
	first, err := os.ReadFile("migrations/00001_projects.sql")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	db := hosttest.Open(t, dir, contract.Graph, fstest.MapFS{"00001_projects.sql": {Data: first}})
	const at, later = "2026-01-02T03:04:05Z", "2026-01-02T03:04:06.5Z"
	for _, statement := range []string{
		`INSERT INTO projects VALUES ('p1', 'alice', 'Tea', 'tea', 'static-site', '{"a":"<"}', '` + at + `', '` + later + `')`,
		`INSERT INTO projects VALUES ('p2', 'alice', 'Tea', 'tea-2', 'static-site', '{}', '` + at + `', '` + at + `')`,
		`INSERT INTO requests VALUES ('d1', 'p1', '` + at + `'), ('d2', 'p1', '` + later + `')`,
		`INSERT INTO deployments VALUES ('d1', 'p1', 'SUCCEEDED', 'https://a.test', '', '` + later + `', '` + later + `')`,
		`INSERT INTO deployments VALUES ('d3', 'p1', 'FAILED', '', 'no luck', '` + at + `', '` + later + `')`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	cluster := hosttest.Cluster(t)
	hosttest.Auth(t, cluster)
	r := &rig{t: t, cluster: cluster, dir: dir}
	for range 2 { // the second start finds nothing to do
		r.start()
		p := hosttest.Decode[graph.Project](t, r.do("alice", "GET", projects+"/p1", ""), 200)
		if p.Name != "Tea" || p.Slug != "tea" || string(p.Config) != `{"a":"<"}` || p.UpdatedAt.Equal(p.CreatedAt) {
			t.Errorf("got %+v", p)
		}
		var got []string
		for _, d := range r.deployments("alice", "p1") {
			got = append(got, d.ID, d.Status, d.URL, d.Error, d.CreatedAt.Format("05.0"), d.UpdatedAt.Format("05.0"))
		}
		if want := "d3 FAILED  no luck 05.0 06.5 d2 PENDING   06.5 06.5 d1 SUCCEEDED https://a.test  05.0 06.5"; strings.Join(got, " ") != want {
			t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
		}
		if n := len(r.history("alice", "p1")); n != 7 {
			t.Errorf("got %d events, want 7", n)
		}
		r.Stop()
	}
	r.start()
	want := r.dump()
	if _, err := r.rebuild(); err != nil {
		t.Fatal(err)
	}
	wantSame(t, r.dump(), want)
	if got := r.create("alice", "Tea").Slug; got != "tea-3" {
		t.Errorf("slug of the next one: got %q, want tea-3", got)
	}
}
