package projectevents

import "testing"

func TestLog(t *testing.T) {
	t.Parallel()
	var l eventLog
	for n := range MaxKept + 5 {
		l.add(Event{Type: "A", ProjectID: "p", At: string(rune('a' + n))})
	}
	if l.add(Event{Type: "A", ProjectID: "p", At: string(rune('a' + MaxKept))}) {
		t.Error("a repetition counted as new")
	}
	got := l.list("p")
	if len(got) != MaxKept || got[0].At != string(rune('a'+5)) {
		t.Errorf("got %d events from %q, want %d from %q", len(got), got[0].At, MaxKept, string(rune('a'+5)))
	}
}
