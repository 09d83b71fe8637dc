package broker

import (
	"bytes"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestMemory has a client of this process produce and consume, in a group and more
// than a connection holds, without the network: its seed is no address. It outlives a
// restart of the broker, and is refused once that is closed.
func TestMemory(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	cl := client(t, b, append(b.Client(), kgo.SeedBrokers("nowhere.invalid:9"), kgo.ConsumerGroup("g"),
		kgo.ConsumeTopics("a"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	large := bytes.Repeat([]byte("x"), 900_000)
	for i := range 2 {
		if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: "a", Value: large}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if got := consume(t, cl, 1); !bytes.Equal(got[0].Value, large) {
			t.Errorf("got %d bytes, want what was sent", len(got[0].Value))
		}
		group, err := b.Admin().Groups().Describe(testContext(t), "g")
		if err != nil || len(group.Members) != 1 || !strings.Contains(group.Members[0].Host, "memory") {
			t.Errorf("got %+v, %v; want one member in memory", group.Members, err)
		}
		if i > 0 {
			break
		}
		if err := errors.Join(b.embedded.GoOffline(), b.embedded.GoOnline()); err != nil {
			t.Fatal(err)
		}
	}
	cl.Close()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.listener.Dial(testContext(t), "tcp", b.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want a refusal", err)
	}
}
