package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/graph/readmodel"
	"axion/services/host"
	"axion/services/host/hosttest"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kafka := hosttest.Dial(t, r.cluster, contract.Topic(contract.Deployment))
	reply := r.do("alice", "POST", projects,
		`{"name":" Tea & Biscuits ","template":"nestjs-service","config":{ "title":"Tea","deep":{"n":[12345678901234567890,"ü<"]}}}`)
	p := hosttest.Decode[readmodel.Project](t, reply, 201)
	t.Run("OK/answer", func(t *testing.T) {
		if got, want := reply.Header.Get("Location"), projects+"/"+p.ID; got != want {
			t.Errorf("Location: got %q, want %q", got, want)
		}
		_, names := hosttest.Fields(t, []byte(reply.Body))
		want := []string{"config", "createdAt", "id", "name", "slug", "template", "updatedAt", "userId"}
		if !slices.Equal(names, want) {
			t.Errorf("fields: got %q, want %q", names, want)
		}
		if p.UserID != "alice" || p.Name != "Tea & Biscuits" || p.Slug != "tea-biscuits" || p.Template != "nestjs-service" {
			t.Errorf("got %+v", p)
		}
		if id, err := uuid.Parse(p.ID); err != nil || id.Version() != 7 {
			t.Errorf("id %q is not a UUIDv7 (%v)", p.ID, err)
		}
		if p.CreatedAt.Location() != time.UTC || !p.CreatedAt.Equal(p.UpdatedAt) {
			t.Errorf("times: got %v and %v, want one in UTC", p.CreatedAt, p.UpdatedAt)
		}
	})
	t.Run("OK/get", func(t *testing.T) {
		if got := r.do("alice", "GET", projects+"/"+p.ID, ""); got.Status != 200 || got.Body != reply.Body || got.Header.Get("Location") != "" {
			t.Errorf("got %d %s, want what POST answered: %s", got.Status, got.Body, reply.Body)
		}
	})
	t.Run("OK/record", func(t *testing.T) { testRecord(t, r, kafka, p) })
	t.Run("OK/defaults", func(t *testing.T) {
		p := hosttest.Decode[readmodel.Project](t, r.do("alice", "POST", projects, `{"name":"Plain","config":null}`), 201)
		if p.Template != contract.DefaultTemplate || string(mustJSON(t, p.Config)) != "{}" {
			t.Errorf("got %+v, want the default template and an empty config", p)
		}
		if got := hosttest.Headers(kafka.Next())["ce_type"]; got != contract.ProjectCreated {
			t.Errorf("got %s", got)
		}
	})
	t.Run("OK/slugs", func(t *testing.T) {
		for _, tt := range []struct{ name, slug string }{
			{"Cat", "cat"}, {"cat!", "cat-2"}, {"cat-3", "cat-3"}, {"CAT", "cat-4"}, {"catalogue", "catalogue"},
			{"日本", "project"}, {strings.Repeat("ab ", 26), strings.TrimRight(strings.Repeat("ab-", 19)[:56], "-")},
		} {
			if got := r.create("alice", tt.name).Slug; got != tt.slug {
				t.Errorf("%q: got %q, want %q", tt.name, got, tt.slug)
			}
		}
		if got := r.create("bob", "cat").Slug; got != "cat-5" {
			t.Errorf("another user's cat: got %q, want cat-5", got)
		}
	})
	t.Run("ErrInput", func(t *testing.T) { testBadInput(t, r) })
}

func testBadInput(t *testing.T, r *rig) {
	for body, place := range map[string]string{
		`{}`:                  "",
		`{"name":""}`:         "/name",
		`{"name":"  "}`:       "/name",
		`{"name":5}`:          "/name",
		`{"name":"a\u0000b"}`: "/name",
		`{"name":"a\u202eb"}`: "/name",
		`{"name":"x","config":{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}}`: "/config",
		`{"name":"` + strings.Repeat("x", 81) + `"}`:                                            "/name",
		`{"name":"x","template":"../etc"}`:                                                      "/template",
		`{"name":"x","config":[1]}`:                                                             "/config",
		`{"name":"x","config":"{}"}`:                                                            "/config",
		`{"name":"x","slug":"mine"}`:                                                            "/slug",
		`{"name":"x","config":{"a":"` + strings.Repeat("x", 33<<10) + `"}}`:                     "/config",
	} {
		hosttest.WantProblem(t, r.do("alice", "POST", projects, body), 422, place)
	}
}

func testRecord(t *testing.T, r *rig, kafka *hosttest.Kafka, p readmodel.Project) {
	record := kafka.Next()
	h := hosttest.Headers(record)
	if string(record.Key) != p.ID || h["ce_type"] != contract.ProjectCreated || h["ce_source"] != contract.Graph ||
		h["ce_specversion"] != "1.0" || h["content-type"] != "application/json" || h["ce_id"] == "" || h["traceparent"] == "" {
		t.Errorf("key %q, headers %v", record.Key, h)
	}
	if at, err := time.Parse(time.RFC3339Nano, h["ce_time"]); err != nil || at.Before(p.CreatedAt.Add(-time.Second)) {
		t.Errorf("ce_time: %q (%v)", h["ce_time"], err)
	}
	var got contract.ProjectEvent
	if err := json.Unmarshal(record.Value, &got); err != nil {
		t.Fatal(err)
	}
	pending := r.deployments("alice", p.ID)
	if len(pending) != 1 || pending[0].Status != "PENDING" || got.DeploymentID != pending[0].ID {
		t.Errorf("the event asks for deployment %q, the list is %+v", got.DeploymentID, pending)
	}
	want := contract.ProjectEvent{
		ProjectID: p.ID, UserID: "alice", Name: p.Name, Slug: p.Slug, Template: p.Template,
		DeploymentID: got.DeploymentID, Config: json.RawMessage(`{"title":"Tea","deep":{"n":[12345678901234567890,"ü<"]}}`),
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("data:\n got %+v\nwant %+v", got, want)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestList(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var want []string
	for i := range 5 {
		want = append(want, r.create("alice", fmt.Sprint("p", i)).ID)
		r.create("bob", fmt.Sprint("b", i))
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 2, 4, 5, 100} {
		var got []string
		for next, pages := "", 0; ; pages++ {
			page := hosttest.Decode[host.Page[readmodel.Project]](t,
				r.do("alice", "GET", fmt.Sprintf("%s?limit=%d&after=%s", projects, limit, next), ""), 200)
			for _, p := range page.Items {
				got = append(got, p.ID)
			}
			if next = page.Next; next == "" || pages > 5 {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: got %q, want %q", limit, got, want)
		}
	}
	t.Run("OK/empty", func(t *testing.T) {
		got := strings.TrimSpace(r.do("alice", "GET", projects+"?after="+want[4], "").Body)
		if got != `{"items":[],"next":""}` {
			t.Errorf("got %s", got)
		}
	})
	t.Run("ErrLimit", func(t *testing.T) {
		for _, limit := range []string{"0", "101", "-1", "many"} {
			hosttest.WantProblem(t, r.do("alice", "GET", projects+"?limit="+limit, ""), 422, "limit")
		}
	})
}

func TestOwner(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.create("alice", "Hers")
	for _, tt := range []struct{ method, path, body string }{
		{"GET", "", ""}, {"PATCH", "", `{"name":"mine"}`}, {"DELETE", "", ""}, {"GET", "/deployments", ""}, {"POST", "/deployments", ""},
	} {
		path := projects + "/" + p.ID + tt.path
		his := hosttest.WantProblem(t, r.do("bob", tt.method, path, tt.body), 404)
		nobodys := hosttest.WantProblem(t, r.do("bob", tt.method, projects+"/"+uuid.NewString()+tt.path, tt.body), 404)
		if his.Detail != nobodys.Detail {
			t.Errorf("%s %s answers for another's project otherwise than for none: %q and %q", tt.method, tt.path, his.Detail, nobodys.Detail)
		}
		hosttest.WantProblem(t, r.do("", tt.method, path, tt.body), 401)
	}
	hosttest.WantProblem(t, r.do("", "GET", projects, ""), 401)
	hosttest.WantProblem(t, r.do("mallory", "POST", projects, `{"name":"x"}`), 401)
	if got := hosttest.Decode[readmodel.Project](t, r.do("alice", "GET", projects+"/"+p.ID, ""), 200); got.Name != "Hers" {
		t.Errorf("the project is now %+v", got)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.create("alice", "Before")
	path := projects + "/" + p.ID
	for _, tt := range []struct{ body, name, template, config string }{
		{`{"name":" After "}`, "After", "static-site", `{}`},
		{`{"template":"nestjs-service"}`, "After", "nestjs-service", `{}`},
		{`{"config":{"a":{"b":1}}}`, "After", "nestjs-service", `{"a":{"b":1}}`},
		{`{"config":{"c":2}}`, "After", "nestjs-service", `{"c":2}`},
		{`{}`, "After", "nestjs-service", `{"c":2}`},
		{`{"name":null,"template":null,"config":null}`, "After", "nestjs-service", `{"c":2}`},
	} {
		got := hosttest.Decode[readmodel.Project](t, r.do("alice", "PATCH", path, tt.body), 200)
		if got.Name != tt.name || got.Template != tt.template || string(mustJSON(t, got.Config)) != tt.config {
			t.Errorf("%s: got %+v", tt.body, got)
		}
		if got.Slug != p.Slug || got.ID != p.ID || !got.CreatedAt.Equal(p.CreatedAt) || !got.UpdatedAt.After(p.UpdatedAt) {
			t.Errorf("%s: slug, id and createdAt must stay, updatedAt grow: %+v", tt.body, got)
		}
		if again := hosttest.Decode[readmodel.Project](t, r.do("alice", "GET", path, ""), 200); fmt.Sprint(again) != fmt.Sprint(got) {
			t.Errorf("%s: kept %+v, answered %+v", tt.body, again, got)
		}
	}
	for body, place := range map[string]string{
		`{"slug":"x"}`: "/slug", `{"userId":"bob"}`: "/userId", `{"name":""}`: "/name", `{"name":" "}`: "/name", `{"name":"\u0007"}`: "/name",
		`{"template":"T"}`: "/template", `{"config":7}`: "/config",
	} {
		hosttest.WantProblem(t, r.do("alice", "PATCH", path, body), 422, place)
	}
}

func TestDeployAndDelete(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	kafka := hosttest.Dial(t, r.cluster, contract.Topic(contract.Deployment))
	p := r.create("alice", "Site")
	path := projects + "/" + p.ID
	r.do("alice", "PATCH", path, `{"config":{"title":"New"}}`)
	d := hosttest.Decode[readmodel.Deployment](t, r.do("alice", "POST", path+"/deployments", ""), 202)
	if d.Status != "PENDING" || d.ProjectID != p.ID || d.URL != "" || d.Error != "" {
		t.Errorf("got %+v, want it pending", d)
	}
	if all := r.deployments("alice", p.ID); len(all) != 2 || fmt.Sprint(all[0]) != fmt.Sprint(d) {
		t.Errorf("list: got %+v, want the new one first", all)
	}
	page := hosttest.Decode[host.Page[readmodel.Deployment]](t, r.do("alice", "GET", path+"/deployments?limit=1", ""), 200)
	if len(page.Items) != 1 || page.Next != d.ID {
		t.Errorf("first page: got %+v", page)
	}
	if r.do("alice", "DELETE", path, "").Status != 204 {
		t.Error("not deleted")
	}
	hosttest.WantProblem(t, r.do("alice", "GET", path, ""), 404)
	hosttest.WantProblem(t, r.do("alice", "DELETE", path, ""), 404)
	for _, want := range []string{contract.ProjectCreated, contract.DeploymentRequested, contract.ProjectDeleted} {
		record := kafka.Next()
		var e contract.ProjectEvent
		if err := json.Unmarshal(record.Value, &e); err != nil {
			t.Fatal(err)
		}
		if hosttest.Type(record) != want || string(record.Key) != p.ID || e.ProjectID != p.ID {
			t.Fatalf("got %s with key %s: %s, want %s", hosttest.Type(record), record.Key, record.Value, want)
		}
		if want == contract.DeploymentRequested && (e.DeploymentID != d.ID || string(e.Config) != `{"title":"New"}`) {
			t.Errorf("got %+v, want the deployment with the project as it is now", e)
		}
	}
	if got := r.create("alice", "Site").Slug; got != "site" {
		t.Errorf("slug of the next one: got %q, want the freed one", got)
	}
}

// TestOutbox creates a project while the broker takes no events, and stops the
// service before it does.
func TestOutbox(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	r := newRig(t)
	refused := refuseProduce(t, r.cluster, contract.Topic(contract.Deployment))
	p := r.create("alice", "Kept")
	refused.wait(t)
	r.Stop()
	refused.end()
	r.start()
	record := hosttest.Dial(t, r.cluster, contract.Topic(contract.Deployment)).Next()
	if hosttest.Type(record) != contract.ProjectCreated || string(record.Key) != p.ID {
		t.Errorf("got %s of %s, want what was sent before the restart", hosttest.Type(record), record.Key)
	}
}
