package spool_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"axion/gateway/spool"
)

const text = "0123456789"

// Several readers at once get all that was written, wherever it is kept.
func TestReaders(t *testing.T) {
	t.Parallel()
	for name, memory := range map[string]int64{"File": 0, "Both": 4, "Memory": 10, "More": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &spool.Buffer{Memory: memory}
			defer b.Close()
			if _, err := io.Copy(b, iotest.OneByteReader(strings.NewReader(text))); err != nil || b.Size() != int64(len(text)) {
				t.Fatalf("got %d, %v", b.Size(), err)
			}
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					if got, err := io.ReadAll(iotest.OneByteReader(b.Reader())); err != nil || string(got) != text {
						t.Errorf("got %q, %v", got, err)
					}
				})
			}
			all.Wait()
		})
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	b := &spool.Buffer{Memory: 4, Limit: 10}
	defer b.Close()
	if _, err := io.WriteString(b, text); err != nil {
		t.Error(err)
	}
	if _, err := io.WriteString(b, "x"); !errors.Is(err, spool.ErrTooLarge) || b.Size() != 10 {
		t.Errorf("got %v, %d bytes", err, b.Size())
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		body  io.Reader
		limit int64
		whole bool
		err   error
	}{
		"OK":           {iotest.OneByteReader(strings.NewReader(text)), 10, true, nil},
		"OKNoLimit":    {strings.NewReader(text), -1, true, nil},
		"OKNone":       {nil, 0, true, nil},
		"ErrLonger":    {strings.NewReader(text), 9, false, nil}, // by its length
		"ErrLongerYet": {iotest.OneByteReader(strings.NewReader(text)), 9, false, nil},
		"ErrReading":   {io.MultiReader(strings.NewReader("01"), iotest.ErrReader(broken)), 10, false, broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/", tt.body)
			kept, whole, err := spool.Keep(r, tt.limit)
			if kept != nil {
				defer kept.Close()
			}
			if whole != tt.whole || !errors.Is(err, tt.err) {
				t.Fatalf("got whole %t, %v", whole, err)
			}
			switch {
			case err != nil, tt.body == nil:
			case whole:
				if got, err := io.ReadAll(kept.Reader()); err != nil || string(got) != text {
					t.Errorf("kept %q, %v", got, err)
				}
			default: // the request has it still
				if got, err := io.ReadAll(r.Body); err != nil || string(got) != text {
					t.Errorf("left %q, %v", got, err)
				}
			}
		})
	}
}
