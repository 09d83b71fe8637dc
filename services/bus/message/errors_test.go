package message

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestPermanentRetriable(t *testing.T) {
	t.Parallel()
	base := errors.New("base")
	for _, tt := range []struct {
		name                 string
		err                  error
		permanent, retriable bool
	}{
		{"Plain", base, false, false},
		{"Permanent", fmt.Errorf("x: %w", Permanent(base)), true, false},
		{"Retriable", fmt.Errorf("x: %w", Retriable(base)), false, true},
		{"PermanentWins", Retriable(Permanent(base)), true, false},
		{"NilPermanent", Permanent(nil), false, false},
		{"NilRetriable", Retriable(nil), false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := IsPermanent(tt.err); got != tt.permanent {
				t.Errorf("permanent: got %v, want %v", got, tt.permanent)
			}
			if got := IsRetriable(tt.err); got != tt.retriable {
				t.Errorf("retriable: got %v, want %v", got, tt.retriable)
			}
			if tt.err != nil && !errors.Is(tt.err, base) {
				t.Error("the error itself is lost")
			}
		})
	}
	if Permanent(nil) != nil || Retriable(nil) != nil {
		t.Error("a marked nil is an error")
	}
}

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	remote := NewRemoteError("axion.s", "s", "T", `{"status":"error","message":"m"}`)
	timeout := &TimeoutError{Topic: "axion.s", Service: "s", Type: "T", After: 1500 * time.Millisecond, Accepted: true}
	unsent := &TimeoutError{Topic: "axion.s", Type: "T", After: time.Second}
	connect := &ConnectError{Service: "s", Brokers: []string{"a:1", "b:2"}, Err: context.DeadlineExceeded}
	for _, tt := range []struct{ name, got, want string }{
		{"Remote", remote.Error(), "T on axion.s: s answered: m"},
		{"RemotePublic", remote.Public(), "m"},
		{"Timeout", timeout.Error(), "T on axion.s: s did not answer within 1.5s"},
		{"TimeoutPublic", timeout.Public(), timeout.Error()},
		{"Unsent", unsent.Error(), "T on axion.s: the broker did not accept the request within 1s"},
		{"UnsentHint", unsent.Hint(), "check that the broker is running"},
		{"Connect", connect.Error(), "open bus of s: no usable broker at a:1, b:2: context deadline exceeded"},
		{"ConnectHint", connect.Hint(), "start the broker, or correct its address (--kafka, --brokers)"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if !errors.Is(connect, context.DeadlineExceeded) || !errors.Is(timeout, context.DeadlineExceeded) || !timeout.Timeout() {
		t.Error("the deadline is lost")
	}
}
