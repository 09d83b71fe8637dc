package graph_test

import "testing"

// TestQueries takes the write side away: queries need nothing of it.
func TestQueries(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.create("alice", "Site")
	r.put("alice", p.ID, `"0"`, small)
	r.relayed()
	for _, table := range []string{"slugs", "inbox", "outbox"} {
		if _, err := r.DB.Exec(`ALTER TABLE ` + table + ` RENAME TO no_` + table); err != nil {
			t.Fatal(err)
		}
	}
	path := projects + "/" + p.ID
	for _, query := range []string{
		projects, path, path + "/deployments", path + "/events", path + "/graph", path + "/graph/versions", path + "/graph/versions/1",
	} {
		if got := r.do("alice", "GET", query, ""); got.Status != 200 {
			t.Errorf("%s: got %d %s", query, got.Status, got.Body)
		}
	}
	if got := r.do("alice", "POST", projects, `{"name":"x"}`); got.Status != 500 {
		t.Errorf("a command without its tables: got %d", got.Status)
	}
}
