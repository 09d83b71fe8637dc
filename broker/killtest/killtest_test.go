package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/services/clustertest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir, os.Getenv(childAddr)))
	}
	goleak.VerifyTestMain(m)
}

// testCheck checks a server, and fails with the report.
func testCheck(t *testing.T, s server, o options) {
	t.Helper()
	o.print, o.seed = t.Logf, uint64(time.Now().UnixNano())
	r := check(t.Context(), s, o)
	t.Log(r.summary())
	if r.failed() {
		t.Error("the broker has lost something: see above")
	}
}

// TestEmbedded is the check, shortened.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, err := newEmbedded(filepath.Join(dir, "broker"), filepath.Join(dir, "broker.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	testCheck(t, e, options{kills: 20, rate: 100, up: 700 * time.Millisecond, starting: true, settle: time.Minute})
}

// TestKafka is the proof of the check: Apache Kafka passes it.
func TestKafka(t *testing.T) {
	t.Parallel()
	clustertest.Slow(t)
	testCheck(t, &kafka{s: clustertest.NewKafka(t)}, options{kills: 3, rate: 50, up: 4 * time.Second, settle: time.Minute})
}

// TestReport: what is not as it should be is reported, and counted. It is the half of the
// check that a broker which keeps all does not show.
func TestReport(t *testing.T) {
	t.Parallel()
	var told int
	r := newReport(func(string, ...any) { told++ })
	if r.failed() {
		t.Error("failed before anything went wrong")
	}
	for range shown + 5 {
		r.add(torn, "transaction %d", 1)
	}
	if !r.failed() || told != shown || r.counts[torn] != shown+5 {
		t.Errorf("got %d told and %d counted, want %d and %d", told, r.counts[torn], shown, shown+5)
	}
}
