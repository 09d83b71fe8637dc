package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"axion/services/contract"
	"axion/services/graph/readmodel"
	"axion/services/host"
	"axion/services/host/hosttest"
)

// shop is a graph with all kinds of nodes and edges.
const shop = `{"nodes":[
	{"id":"in","type":"ingress","name":"edge","host":"shop.localhost"},
	{"id":"web","type":"service","name":"web","port":3000,"config":{"n":12345678901234567890,"h":"<&>"}},
	{"id":"api","type":"service","name":"api","language":"go","port":8080},
	{"id":"rules","type":"logic"},
	{"id":"db","type":"database","name":"main"},
	{"id":"cache","type":"cache"},
	{"id":"jobs","type":"queue"}
],"edges":[
	{"id":"e1","from":"in","to":"web","type":"http"},
	{"id":"e2","from":"web","to":"api","type":"grpc"},
	{"id":"e3","from":"api","to":"web","type":"http"},
	{"id":"e4","from":"api","to":"db","type":"database"},
	{"id":"e5","from":"rules","to":"cache","type":"database"},
	{"id":"e6","from":"api","to":"jobs","type":"kafka"},
	{"id":"e7","from":"jobs","to":"rules","type":"kafka"}
]}`

// put replaces a project's graph; match is the If-Match header, "" for none.
func (r *rig) put(user, id, match, body string) hosttest.Reply {
	r.t.Helper()
	header := []string{hosttest.As(user)}
	if match != "" {
		header = append(header, "If-Match: "+match)
	}
	return hosttest.Do(r.t, "PUT", r.URL+projects+"/"+id+"/graph", body, header...)
}

// wantGraph compares an answer with a graph, at a version.
func wantGraph(t *testing.T, got hosttest.Reply, version int, want string) {
	t.Helper()
	g := hosttest.Decode[contract.Architecture](t, got, 200)
	var w contract.Architecture
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if got, want := string(mustJSON(t, g)), string(mustJSON(t, w)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if etag := got.Header.Get("ETag"); etag != fmt.Sprintf("%q", fmt.Sprint(version)) {
		t.Errorf("ETag: got %s, want version %d", etag, version)
	}
}

const small = `{"nodes":[{"id":"a","type":"service"}],"edges":[]}`

func TestGraph(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.create("alice", "Shop")
	path := projects + "/" + p.ID + "/graph"
	s := r.dial(t, "alice", "")
	wantGraph(t, r.do("alice", "GET", path, ""), 0, `{"nodes":[],"edges":[]}`)
	t.Run("ErrPrecondition", func(t *testing.T) {
		hosttest.WantProblem(t, r.put("alice", p.ID, "", shop), 428)
		for _, match := range []string{`"1"`, `0`, `W/"0"`, `"7", "9"`, `"00"`} {
			hosttest.WantProblem(t, r.put("alice", p.ID, match, shop), 412)
		}
	})
	t.Run("OK/versions", func(t *testing.T) {
		wantGraph(t, r.put("alice", p.ID, `"0"`, shop), 1, shop)
		hosttest.WantProblem(t, r.put("alice", p.ID, `"0"`, small), 412)
		wantGraph(t, r.put("alice", p.ID, `"4", "1"`, small), 2, small)
		wantGraph(t, r.put("alice", p.ID, `*`, `{"nodes":null,"edges":null}`), 3, `{"nodes":[],"edges":[]}`)
		wantGraph(t, r.do("alice", "GET", path, ""), 3, `{"nodes":[],"edges":[]}`)
		wantGraph(t, r.do("alice", "GET", path+"/versions/1", ""), 1, shop)
		hosttest.WantProblem(t, r.do("alice", "GET", path+"/versions/4", ""), 404)
		hosttest.WantProblem(t, r.do("alice", "GET", path+"/versions/0", ""), 422, "version")
	})
	t.Run("OK/revert", func(t *testing.T) {
		wantGraph(t, r.do("alice", "POST", path+"/revert", `{"version":1}`), 4, shop)
		wantGraph(t, r.do("alice", "GET", path, ""), 4, shop)
		hosttest.WantProblem(t, r.do("alice", "POST", path+"/revert", `{"version":9}`), 422, "/version")
		hosttest.WantProblem(t, r.do("alice", "POST", path+"/revert", `{"version":0}`), 422, "/version")
	})
	t.Run("OK/list", func(t *testing.T) {
		var got []int
		for next := ""; ; {
			page := hosttest.Decode[host.Page[readmodel.Version]](t, r.do("alice", "GET", path+"/versions?limit=3&after="+next, ""), 200)
			for _, v := range page.Items {
				got = append(got, v.Version)
			}
			if next = page.Next; next == "" {
				break
			}
		}
		if want := []int{4, 3, 2, 1}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		hosttest.WantProblem(t, r.do("alice", "GET", path+"/versions?after=x", ""), 422, "after")
	})
	t.Run("OK/sent", func(t *testing.T) {
		for version := range 4 {
			m := s.next(t)
			if m.Type != contract.GraphChanged || m.ProjectID != p.ID || string(m.Data) != fmt.Sprintf(`{"version":%d}`, version+1) {
				t.Errorf("got %+v, want version %d", m, version+1)
			}
		}
	})
	t.Run("ErrOwner", func(t *testing.T) {
		hosttest.WantProblem(t, r.put("bob", p.ID, `*`, small), 404)
		for _, tt := range []struct{ method, path, body string }{
			{"GET", "", ""}, {"GET", "/versions", ""}, {"GET", "/versions/1", ""}, {"POST", "/revert", `{"version":1}`},
		} {
			hosttest.WantProblem(t, r.do("bob", tt.method, path+tt.path, tt.body), 404)
			hosttest.WantProblem(t, r.do("", tt.method, path+tt.path, tt.body), 401)
		}
	})
}

// TestGraphRace has many clients change the same version: one wins.
func TestGraphRace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.create("alice", "Shop")
	statuses := make(chan int, 10)
	for range cap(statuses) {
		go func() { statuses <- r.put("alice", p.ID, `"0"`, small).Status }()
	}
	count := map[int]int{}
	for range cap(statuses) {
		count[<-statuses]++
	}
	if count[200] != 1 || count[412] != cap(statuses)-1 {
		t.Errorf("statuses: %v, want one 200 and the rest 412", count)
	}
}

// TestGraphDeployed looks at what other services get of a graph.
func TestGraphDeployed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kafka := hosttest.Dial(t, r.cluster, contract.Topic(contract.Deployment))
	graphOf := func(want string) string {
		record := kafka.Next()
		var e contract.ProjectEvent
		if err := json.Unmarshal(record.Value, &e); err != nil || hosttest.Type(record) != want {
			t.Fatalf("got %s %s (%v), want %s", hosttest.Type(record), record.Value, err, want)
		}
		if e.Graph == nil {
			return ""
		}
		return string(mustJSON(t, e.Graph))
	}
	p := r.create("alice", "Plain")
	if got := graphOf(contract.ProjectCreated); got != "" {
		t.Errorf("got graph %s of a project without one", got)
	}
	r.put("alice", p.ID, `"0"`, small)
	r.do("alice", "POST", projects+"/"+p.ID+"/deployments", "")
	if got := graphOf(contract.DeploymentRequested); got != small {
		t.Errorf("got %s, want %s", got, small)
	}
	q := hosttest.Decode[readmodel.Project](t, r.do("alice", "POST", projects, `{"name":"x","graph":`+small+`}`), 201)
	if got := graphOf(contract.ProjectCreated); got != small {
		t.Errorf("got %s, want %s", got, small)
	}
	wantGraph(t, r.do("alice", "GET", projects+"/"+q.ID+"/graph", ""), 1, small)
	hosttest.WantProblem(t, r.do("alice", "POST", projects, `{"name":"x","graph":{"nodes":[{"id":"a","type":"x"}],"edges":[]}}`), 422,
		"/graph/nodes/0/type")
}
