package ingest

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/store"
)

func newReceipts(t *testing.T, now *time.Time) *receipts {
	t.Helper()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "s.db"), store.Migrations{Name: "service", FS: files})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &receipts{db: db, now: func() time.Time { return *now }}
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := newReceipts(t, &now)
	claim := func(owner string, ids ...string) claimed {
		t.Helper()
		var events []*pendingEvent
		for _, id := range ids {
			events = append(events, &pendingEvent{item: item{identity: identity{"s", id}}})
		}
		c, err := r.claim(t.Context(), owner, bus.Offsets{1: 7}, events)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	complete := func(owner string, dropped []identity, ids ...string) {
		t.Helper()
		var published []Receipt
		for i, id := range ids {
			published = append(published, receipt(identity{"s", id}, 1, int64(i)))
		}
		if err := r.complete(t.Context(), owner, published, dropped); err != nil {
			t.Fatal(err)
		}
	}
	keep := func(ids ...string) {
		t.Helper()
		claim("o", ids...)
		complete("o", nil, ids...)
	}
	find := func(id string) (found bool) {
		t.Helper()
		err := r.db.QueryRow(`SELECT count(*) > 0 FROM receipts WHERE source = 's' AND id = $1 AND owner = '' AND at > $2`,
			id, now.Add(-receiptTime).UnixMilli()).Scan(&found)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	keep("a")
	if !find("a") || find("b") {
		t.Error("find: want a and not b")
	}
	now = now.Add(receiptTime)
	if find("a") {
		t.Error("a receipt is valid after its time")
	}
	keep("a", "b") // takes the place of the old one
	if !find("a") || !find("b") {
		t.Error("find: want a and b")
	}

	// The oldest give way to new ones.
	if _, err := r.db.Exec(`UPDATE sqlite_sequence SET seq = seq + $1 WHERE name = 'receipts'`, maxReceipts-2); err != nil {
		t.Fatal(err)
	}
	keep("c")
	if !find("b") || !find("c") {
		t.Error("a receipt is missing before there are too many")
	}
	keep("d")
	if find("a") || !find("c") || !find("d") {
		t.Error("want the oldest receipt gone, and the newest kept")
	}

	// What one has claimed is another's only once it has been given up.
	if c := claim("one", "e", "d"); len(c.ours) != 1 || len(c.known) != 1 {
		t.Errorf("got %+v, want a claim and a receipt", c)
	}
	if c := claim("two", "e"); len(c.held["one"]) != 1 || len(c.ours) != 0 {
		t.Errorf("got %+v, want the claim of the first", c)
	}
	complete("two", []identity{{"s", "e"}}, "e") // not its to complete
	if ids, after, err := r.claims(t.Context(), "one"); err != nil || len(ids) != 1 || after[1] != 7 {
		t.Errorf("claims: got %v after %v, %v", ids, after, err)
	}
	complete("one", []identity{{"s", "e"}})
	if c := claim("two", "e"); len(c.ours) != 1 {
		t.Errorf("got %+v, want a claim", c)
	}
}

func TestInFlight(t *testing.T) {
	t.Parallel()
	f := newInFlight()
	big := func(id string) []item {
		return items([]event{{attributes: []attribute{{"source", "s"}, {"id", id}}, data: make([]byte, maxInFlightBytes/2)}})
	}
	_, added, err := f.add(big("1"))
	if err != nil || len(added) != 1 {
		t.Fatalf("first: got %d, %v", len(added), err)
	}
	all, again, err := f.add(big("1"))
	if err != nil || len(again) != 0 || all[0] != added[0] {
		t.Errorf("the same again: got %d added, %v, want the one under way", len(again), err)
	}
	if _, _, err := f.add(big("2")); err != errBusy {
		t.Errorf("too many bytes: got %v, want %v", err, errBusy)
	}
	f.complete(added)
	if _, added, err = f.add(big("2")); err != nil || len(added) != 1 {
		t.Errorf("after completion: got %d, %v, want room again", len(added), err)
	}
}

func FuzzStructured(f *testing.F) {
	for _, seed := range []string{
		object("1", ""), object("1", `,"data":{"a":[1,2]}`), object("1", `,"datacontenttype":"text/plain","data":"x"`),
		object("1", `,"data_base64":"AA=="`), object("1", `,"n":-5,"b":false,"z":null`), `{}`, `[]`, `{"a":`, "\xff", `{"data":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		events, wrong, err := parseStructured(body)
		if err != nil || len(wrong) > 0 {
			return
		}
		checkRecord(t, events[0])
		batch, wrong, err := parseBatch([]byte("[" + string(body) + "]"))
		if err != nil || len(wrong) > 0 || fmt.Sprint(batch) != fmt.Sprint(events) {
			t.Errorf("as a batch: got %v, %v, %v", batch, wrong, err)
		}
		if !json.Valid(body) {
			t.Error("accepted what is not JSON")
		}
	})
}

func FuzzBinary(f *testing.F) {
	f.Add("1", "/s", "a%20b", "text/plain", []byte("x"))
	f.Add(`"q\"d"`, "urn:x", "%", "", []byte{})
	f.Add("%C3%A9", ":", "%zz", "a/b;c=d", []byte{0xff})
	f.Fuzz(func(t *testing.T, id, source, more, contentType string, body []byte) {
		h := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Type": {"t"}, "Ce-Id": {id}, "Ce-Source": {source}, "Ce-More": {more}}
		if contentType != "" {
			h.Set("Content-Type", contentType)
		}
		if e, wrong := parseBinary(h, body); len(wrong) == 0 {
			checkRecord(t, e)
		}
	})
}

// checkRecord is what holds for the record of any accepted event.
func checkRecord(t *testing.T, e event) {
	t.Helper()
	r := e.record()
	var names []string
	for _, h := range r.Headers {
		names = append(names, h.Key)
		name, isAttribute := strings.CutPrefix(h.Key, "ce_")
		if isAttribute && !validName(name) || !isAttribute && h.Key != "content-type" {
			t.Errorf("header %q", h.Key)
		}
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("headers twice: %q", names)
	}
	if e.identity().id == "" || e.identity().source == "" || r.Topic != contract.EventsTopic {
		t.Errorf("accepted %+v", e)
	}
	if r.Size() < len(r.Value) {
		t.Error("size is below the value's")
	}
}
