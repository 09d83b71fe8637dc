package wrr_test

import (
	"slices"
	"testing"

	"axion/gateway/wrr"
)

func TestNext(t *testing.T) {
	t.Parallel()
	anyOne := func(int) bool { return true }
	for _, tt := range []struct {
		name    string
		weights []int
		usable  func(int) bool
		want    []int
	}{
		{"OKInTurn", []int{1, 1, 1}, anyOne, []int{0, 1, 2, 0, 1, 2}},
		{"OKByWeight", []int{3, 1}, anyOne, []int{0, 0, 1, 0}},
		{"OKNeverZero", []int{0, 1}, anyOne, []int{1, 1}},
		{"OKPassesOver", []int{1, 1, 1}, func(i int) bool { return i != 1 }, []int{0, 2, 0, 2}},
		{"ErrNoneUsable", []int{1}, func(int) bool { return false }, []int{-1}},
		{"ErrNone", nil, anyOne, []int{-1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := wrr.New(tt.weights)
			var got []int
			for range tt.want {
				got = append(got, w.Next(tt.usable))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
