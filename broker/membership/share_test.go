package membership

import (
	"reflect"
	"testing"
)

func TestAcknowledged(t *testing.T) {
	t.Parallel()
	a := make(Acknowledged)
	a.Add("a", 0, 10, 12, []int8{1})
	a.Add("a", 0, 13, 14, nil)
	a.Add("a", 0, 20, 24, []int8{1, released, 3, 0, renewed})
	a.Add("a", 1, 5, 9, []int8{released})
	a.Add("a", 1, 9, 5, nil)
	a.Add("", 1, 5, 9, nil)
	a.Add("a", 1, 0, 1<<40, nil)
	if want := (Acknowledged{"a": {0: {{10, 14}, {20, 20}, {22, 23}}}}); !reflect.DeepEqual(a, want) {
		t.Errorf("got %v, want %v", a, want)
	}
	all := make(groups)
	note := func(start int64, resets bool, first, last int64) Acknowledged {
		since := make(Acknowledged)
		since.Add("a", 0, first, last, nil)
		all.apply(entry{Group: "g", Share: true, Starts: Starts{"a": {0: start}}, Acknowledged: since, Resets: resets})
		return all["g"].acknowledged
	}
	for _, step := range []struct {
		start       int64
		resets      bool
		first, last int64
		want        Acknowledged
	}{
		{5, false, 7, 9, Acknowledged{"a": {0: {{7, 9}}}}},
		{5, false, 11, 11, Acknowledged{"a": {0: {{7, 9}, {11, 11}}}}},
		{8, false, 10, 10, Acknowledged{"a": {0: {{8, 11}}}}},
		{12, false, 3, 4, Acknowledged{}},
		{12, false, 14, 15, Acknowledged{"a": {0: {{14, 15}}}}},
		{2, false, 3, 3, Acknowledged{"a": {0: {{3, 3}}}}}, // a topic that was made anew
		{2, true, 4, 4, Acknowledged{"a": {0: {{4, 4}}}}},
	} {
		if got := note(step.start, step.resets, step.first, step.last); !reflect.DeepEqual(got, step.want) {
			t.Fatalf("at %+v: got %v", step, got)
		}
		again := make(groups)
		for _, e := range all.entries() {
			again.apply(e)
		}
		if !reflect.DeepEqual(again["g"].acknowledged, step.want) || !reflect.DeepEqual(again["g"].starts, all["g"].starts) {
			t.Fatalf("at %+v, read again: got %v", step, again["g"].acknowledged)
		}
		s := all["g"].shareSession()
		taken := make(groups)
		taken.apply(s.entry("g"))
		if !reflect.DeepEqual(taken["g"].acknowledged, step.want) {
			t.Fatalf("at %+v, through kfake's file: got %v", step, taken["g"].acknowledged)
		}
	}
}
