package partitioner

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// anyPartition is that of a record which names none.
const anyPartition = -1

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
