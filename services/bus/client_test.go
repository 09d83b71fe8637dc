package bus

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestPartitioner(t *testing.T) {
	t.Parallel()
	p := topicPartitioner{kgo.StickyKeyPartitioner(nil).ForTopic("t")}
	for _, tt := range []struct {
		name   string
		record kgo.Record
		want   int
	}{
		{"Named", kgo.Record{Partition: 2}, 2},
		{"NamedOverKey", kgo.Record{Partition: 1, Key: []byte("foobar")}, 1},
		// Kafka's own murmur2 vector for "foobar" is -790332482.
		{"Key", kgo.Record{Partition: anyPartition, Key: []byte("foobar")}, (-790332482 & 0x7fffffff) % 3},
		{"NamedOutOfRange", kgo.Record{Partition: 3, Key: []byte("foobar")}, (-790332482 & 0x7fffffff) % 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := p.Partition(&tt.record, 3); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestReconnectDelay(t *testing.T) {
	t.Parallel()
	for failures, most := range map[int]time.Duration{
		0: 20 * time.Millisecond, 1: 20 * time.Millisecond, 3: 80 * time.Millisecond, 6: time.Second, 1000: time.Second,
	} {
		if got := reconnectDelay(failures); got < most/2 || got > most {
			t.Errorf("after %d failures: got %s, want %s to %s", failures, got, most/2, most)
		}
	}
}
