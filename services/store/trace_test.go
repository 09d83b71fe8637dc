package store

import (
	"database/sql"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// TestSpans has statements and commits traced inside of a recorded trace, and nowhere
// else; who waits for its turn has a span of that.
func TestSpans(t *testing.T) {
	t.Parallel()
	db := openNotes(t, filepath.Join(t.TempDir(), "s.db"))
	made := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(made))
	ctx, root := provider.Tracer("test").Start(t.Context(), "root")
	if err := Tx(t.Context(), db, func(tx *sql.Tx) error { return insert(t.Context(), tx, "unseen") }); err != nil {
		t.Fatal(err)
	}
	if n := len(made.Ended()); n != 0 {
		t.Errorf("got %d spans outside of a trace", n)
	}
	held, err := db.Driver().(*file).queue.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		ended <- Tx(ctx, db, func(tx *sql.Tx) error { return insert(ctx, tx, "seen") })
	}()
	for len(made.Started()) < 2 { // the root, and the wait
		runtime.Gosched()
	}
	held()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, `INSERT INTO notes (name) VALUES ($1)`, "seen"); !IsDuplicate(err) {
		t.Errorf("got %v, want a duplicate", err)
	}
	root.End()
	var got []string
	for _, s := range made.Ended() {
		got = append(got, s.Name())
		if s.Name() != "root" && s.Parent().SpanID() != root.SpanContext().SpanID() {
			t.Errorf("%s is not the root's", s.Name())
		}
	}
	if want := []string{waitName, "INSERT notes", "COMMIT", "INSERT notes", "root"}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	attributes := map[string]string{}
	for _, a := range made.Ended()[1].Attributes() {
		attributes[string(a.Key)] = a.Value.AsString()
	}
	if attributes["db.system.name"] != "sqlite" || attributes["db.namespace"] != "s.db" ||
		attributes["db.query.text"] != `INSERT INTO notes (name) VALUES ($1)` {
		t.Errorf("attributes: got %v", attributes)
	}
	if failed := made.Ended()[3]; failed.Status().Code != codes.Error || len(failed.Events()) != 1 {
		t.Errorf("the failed statement: got %v and %v", failed.Status(), failed.Events())
	}
}
