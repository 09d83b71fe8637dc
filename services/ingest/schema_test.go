package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"axion/services/contract"
	"axion/services/host"
	"axion/services/host/hosttest"
	"axion/services/ingest/schema"
)

const reading = "/api/schemas/reading"

// schemaStack is the service beside an auth service that knows alice and bob.
func schemaStack(t *testing.T, change ...func(*service)) *stack {
	t.Helper()
	cluster := hosttest.Cluster(t)
	hosttest.Auth(t, cluster)
	return start(t, cluster, t.TempDir(), change...)
}

func (s *stack) putSchema(t *testing.T, user, text string) hosttest.Reply {
	t.Helper()
	return s.send(t, http.MethodPut, reading, text, media("application/json"), hosttest.As(user))
}

func (s *stack) mustPut(t *testing.T, user, text string) {
	t.Helper()
	if a := s.putSchema(t, user, text); a.Status != http.StatusOK {
		t.Fatalf("put: got %d %s", a.Status, a.Body)
	}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	s := schemaStack(t)
	alice := hosttest.As("alice")
	s.mustPut(t, "alice", `{"type":"object","required":["v"],"properties":{"v":{"type":"number"},"a/b":{"type":"string"}}}`)
	s.post(t, object("1", `,"data":{"v":1}`), structuredType, alice)
	refused := s.send(t, http.MethodPost, "/api/events", object("2", `,"data":{"v":"x","a/b":1}`), structuredType, alice)
	hosttest.WantProblem(t, refused, http.StatusUnprocessableEntity, "/data/a~1b", "/data/v")
	batch := s.send(t, http.MethodPost, "/api/events", "["+object("3", `,"data":{"v":1}`)+","+object("4", `,"data":{}`)+"]", batchType, alice)
	hosttest.WantProblem(t, batch, http.StatusUnprocessableEntity, "/1/data")
	text := s.send(t, http.MethodPost, "/api/events", object("5", `,"datacontenttype":"text/plain","data":"x"`), structuredType, alice)
	hosttest.WantProblem(t, text, http.StatusUnprocessableEntity, "/data")
	s.post(t, strings.Replace(object("6", ""), "reading", "other", 1), structuredType, alice)

	for bad, at := range map[string]string{
		`{"type":"nothing"}`: "", `{"$ref":"file:///etc/passwd"}`: "", `{"$ref":"http://127.0.0.1:1/x"}`: "",
		`{"properties":{"a":{"minimum":1e9999}}}`: "/properties/a/minimum",
	} {
		p := hosttest.WantProblem(t, s.putSchema(t, "alice", bad), http.StatusUnprocessableEntity, at)
		if strings.Contains(fmt.Sprint(p.Errors), "services/ingest") {
			t.Errorf("%s: the working directory is named: %+v", bad, p.Errors)
		}
	}
	hosttest.WantProblem(t, s.putSchema(t, "alice", "{"), http.StatusBadRequest)
	hosttest.WantProblem(t, s.putSchema(t, "alice", `{"title":"`+strings.Repeat("x", schema.MaxText)+`"}`), http.StatusRequestEntityTooLarge)
	got := hosttest.Decode[Schema](t, s.send(t, http.MethodGet, reading, "", alice), http.StatusOK)
	var have struct{ Required []string }
	if err := json.Unmarshal(got.Schema, &have); err != nil || got.Type != "reading" || len(have.Required) != 1 {
		t.Errorf("got %+v", got)
	}
	if a := s.send(t, http.MethodDelete, reading, "", alice); a.Status != http.StatusNoContent {
		t.Errorf("delete: got %d %s", a.Status, a.Body)
	}
	s.post(t, object("7", `,"data":{}`), structuredType, alice)
}

// TestSchemaOwners: no user's events are checked by another's schema; none reads or changes it.
func TestSchemaOwners(t *testing.T) {
	t.Parallel()
	s := schemaStack(t)
	alice, bob := hosttest.As("alice"), hosttest.As("bob")
	s.mustPut(t, "alice", `{"type":"number"}`)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		hosttest.WantProblem(t, s.send(t, method, reading, "{}", media("application/json")), http.StatusUnauthorized)
	}
	hosttest.WantProblem(t, s.send(t, http.MethodGet, "/api/schemas", ""), http.StatusUnauthorized)
	hosttest.WantProblem(t, s.send(t, http.MethodGet, reading, "", bob), http.StatusNotFound)
	hosttest.WantProblem(t, s.send(t, http.MethodDelete, reading, "", bob), http.StatusNotFound)
	list := func(user string) []Schema {
		return hosttest.Decode[host.Page[Schema]](t, s.send(t, http.MethodGet, "/api/schemas", "", user), http.StatusOK).Items
	}
	if got := list(bob); len(got) != 0 {
		t.Errorf("bob reads %+v", got)
	}
	text := `,"data":"text"`
	for i, who := range [][]string{{bob}, nil, {"Authorization: Bearer unknown"}, {"Authorization: Basic YTpi"}} {
		s.post(t, object(fmt.Sprint("free", i), text), append(who, structuredType)...)
	}
	s.mustPut(t, "bob", `{"type":"string"}`)
	s.post(t, object("b", text), structuredType, bob)
	for n := range 2 { // the second from what is kept ready
		refused := s.send(t, http.MethodPost, "/api/events", object(fmt.Sprint("a", n), text), structuredType, alice)
		hosttest.WantProblem(t, refused, http.StatusUnprocessableEntity, "/data")
	}
	s.mustPut(t, "alice", `{"type":"string"}`) // is used at once
	s.post(t, object("a", text), structuredType, alice)
	if a := s.send(t, http.MethodDelete, reading, "", bob); a.Status != http.StatusNoContent {
		t.Errorf("delete: got %d %s", a.Status, a.Body)
	}
	if got := list(alice); len(got) != 1 {
		t.Errorf("alice has %+v", got)
	}
}

// TestSchemaBudget: a schema that asks for too much refuses the event, in bounded time,
// and others go on.
func TestSchemaBudget(t *testing.T) {
	t.Parallel()
	s := schemaStack(t)
	var defs strings.Builder
	for i := range 25 {
		fmt.Fprintf(&defs, `"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
	}
	dear := `{"$ref":"#/$defs/d0","$defs":{` + defs.String() + `"d25":{}}}`
	s.mustPut(t, "alice", dear)
	var batch []string
	for i := range maxBatch {
		batch = append(batch, object(fmt.Sprint(i), `,"data":1`))
	}
	body := "[" + strings.Join(batch, ",") + "]"
	p := hosttest.WantProblem(t, s.send(t, http.MethodPost, "/api/events", body, batchType, hosttest.As("alice")),
		http.StatusUnprocessableEntity, "/0/data")
	if detail := p.Errors[0].Detail; !strings.Contains(detail, "more than 500000 steps") || !strings.Contains(detail, `"reading"`) ||
		!strings.Contains(detail, "hint: ") {
		t.Errorf("got %q", detail)
	}
	if got := s.count(); got != 0 {
		t.Errorf("records: got %d, want none", got)
	}
	s.post(t, object("b", `,"data":1`), structuredType, hosttest.As("bob"))

	s.mustPut(t, "alice", `{"type":"number"}`) // a whole batch fits one budget
	s.post(t, body, batchType, hosttest.As("alice"))
}

// TestSchemaCancelled: a check ends with the request that it is for.
func TestSchemaCancelled(t *testing.T) {
	t.Parallel()
	s := schemaStack(t)
	s.mustPut(t, "alice", `{"type":"number"}`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	events, _, _ := parseStructured([]byte(object("1", `,"data":1`)))
	h := http.Header{"Authorization": {"Bearer alice"}, "Content-Type": {"application/cloudevents+json"}}
	if err := (&schemaCheck{s.schemas, s.host.Verifier, s.host.Log}).validate(ctx, h, events); err == nil {
		t.Error("a request that has ended was checked")
	}
}

// TestSchemaShared: what one process puts, another checks by within a second.
func TestSchemaShared(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := schemaStack(t, func(s *service) { s.schemas.now = func() time.Time { return now } })
	other := &schemas{db: s.host.DB, now: func() time.Time { return now }, ready: map[schemaKey]readySchema{}}
	e := event{attributes: []attribute{{"type", "reading"}}, contentType: "application/json", data: []byte(`"text"`)}
	check := func() int {
		t.Helper()
		wrong, err := other.check(t.Context(), schema.NewBudget(t.Context()), "alice", &e, "")
		if err != nil {
			t.Fatal(err)
		}
		return len(wrong)
	}
	if n := check(); n != 0 {
		t.Errorf("without a schema: got %d faults", n)
	}
	s.mustPut(t, "alice", `{"type":"number"}`)
	now = now.Add(schemaPause)
	if n := check(); n != 1 {
		t.Errorf("with another process's schema: got %d faults", n)
	}
}

// TestSchemaMigration: schemas from before they had owners are kept, and check no events.
func TestSchemaMigration(t *testing.T) {
	t.Parallel()
	cluster, dir := hosttest.Cluster(t), t.TempDir()
	hosttest.Auth(t, cluster)
	const baseline = "00002_events.sql"
	text, err := fs.ReadFile(migrations, "migrations/"+baseline)
	if err != nil {
		t.Fatal(err)
	}
	db := hosttest.Open(t, dir, contract.Ingest, fstest.MapFS{baseline: {Data: text}})
	if _, err := db.Exec(`INSERT INTO schemas (type, text, at) VALUES ('reading', '{"type":"number"}', 1)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := start(t, cluster, dir)
	for _, user := range []string{"alice", "bob"} {
		s.post(t, object(user, `,"data":"text"`), structuredType, hosttest.As(user))
		hosttest.WantProblem(t, s.send(t, http.MethodGet, reading, "", hosttest.As(user)), http.StatusNotFound)
	}
	var kept string
	if err := s.host.DB.QueryRow(`SELECT text FROM schemas WHERE owner = ''`).Scan(&kept); err != nil || kept != `{"type":"number"}` {
		t.Errorf("kept: got %q, %v", kept, err)
	}
}
