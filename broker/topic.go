package broker

import (
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	maxTopicName = 249 // Kafka's
	// maxPartitions of one topic. Each takes memory and files, and kfake
	// makes as many as it is told.
	maxPartitions = 1000
)

// checkTopic applies Kafka's rules for the names of topics.
func checkTopic(name string) error {
	switch {
	case name == "":
		return errors.New("topic without a name")
	case name == "." || name == "..":
		return fmt.Errorf("topic %q: one or two dots are no name", name)
	case len(name) > maxTopicName:
		return fmt.Errorf("topic %.32q…: %d characters, must be at most %d", name, len(name), maxTopicName)
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return fmt.Errorf("topic %q: only letters, digits, dot, underscore and hyphen are allowed", name)
		}
	}
	return nil
}

// collision is the error for a name that differs from another topic's only in
// dots for underscores, where that is why it was not created.
func collision(name string, err error) error {
	if !errors.Is(err, kerr.InvalidTopicException) {
		return nil
	}
	return fmt.Errorf("topic %q: differs from another only in dots for underscores", name)
}

// refuseTopic refuses a topic for its name.
func refuseTopic(err error) refused {
	return refused{code: kerr.InvalidTopicException.Code, message: err.Error()}
}

// refusePartitions refuses more partitions than the limit.
func refusePartitions(name string, n int) refused {
	return refused{
		code:    kerr.InvalidPartitions.Code,
		message: fmt.Sprintf("topic %q: %d partitions, must be at most %d", name, n, maxPartitions),
	}
}

// withoutCreate takes the topics out of r that must not be created.
func withoutCreate(r *kmsg.CreateTopicsRequest) map[string]refused {
	no := make(map[string]refused)
	r.Topics = slices.DeleteFunc(r.Topics, func(t kmsg.CreateTopicsRequestTopic) bool {
		n := max(int(t.NumPartitions), len(t.ReplicaAssignment))
		if err := checkTopic(t.Topic); err != nil {
			no[t.Topic] = refuseTopic(err)
		} else if n > maxPartitions {
			no[t.Topic] = refusePartitions(t.Topic, n)
		}
		_, out := no[t.Topic]
		return out
	})
	return no
}

// withoutGrow takes the topics out of r that would get too many partitions.
func withoutGrow(r *kmsg.CreatePartitionsRequest) map[string]refused {
	no := make(map[string]refused)
	r.Topics = slices.DeleteFunc(r.Topics, func(t kmsg.CreatePartitionsRequestTopic) bool {
		if int(t.Count) > maxPartitions {
			no[t.Topic] = refusePartitions(t.Topic, int(t.Count))
		}
		_, out := no[t.Topic]
		return out
	})
	return no
}
