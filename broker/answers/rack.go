package answers

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func init() {
	on(func(topics, *kmsg.MetadataRequest) Exchange {
		return complete(func(a *kmsg.MetadataResponse) {
			for i := range a.Brokers {
				a.Brokers[i].Rack = nil // kfake says that its rack is krack; a broker that has none says none
			}
		})
	})
	on(func(topics, *kmsg.DescribeTopicPartitionsRequest) Exchange {
		return complete(func(a *kmsg.DescribeTopicPartitionsResponse) {
			for i := range a.Topics {
				t := &a.Topics[i]
				if t.ErrorCode == kerr.UnknownTopicOrPartition.Code && t.Topic != nil && !validName(*t.Topic) {
					t.ErrorCode = kerr.InvalidTopicException.Code // kfake looks for it as for any
				}
			}
		})
	})
}

// validName reports whether a topic may have this name.
func validName(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > 249 {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
