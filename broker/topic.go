package broker

import (
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/admin"
)

// collision is the error for a name that differs from another topic's only in
// dots for underscores, where that is why it was not created.
func collision(name string, err error) error {
	if !errors.Is(err, kerr.InvalidTopicException) {
		return nil
	}
	return fmt.Errorf("topic %q: differs from another only in dots for underscores", name)
}

// refuseTopic refuses a topic for its name.
func refuseTopic(err error) topicError {
	return topicError{code: kerr.InvalidTopicException.Code, message: err.Error()}
}

// refusePartitions refuses more partitions than the limit.
func refusePartitions(name string, n int) topicError {
	return topicError{
		code:    kerr.InvalidPartitions.Code,
		message: fmt.Sprintf("topic %q: %d partitions, must be at most %d", name, n, admin.MaxPartitions),
	}
}

// withoutCreate takes the topics out of r that must not be created.
func withoutCreate(r *kmsg.CreateTopicsRequest) map[string]topicError {
	no := make(map[string]topicError)
	r.Topics = slices.DeleteFunc(r.Topics, func(t kmsg.CreateTopicsRequestTopic) bool {
		n := max(int(t.NumPartitions), len(t.ReplicaAssignment))
		if err := admin.CheckTopicName(t.Topic); err != nil {
			no[t.Topic] = refuseTopic(err)
		} else if n > admin.MaxPartitions {
			no[t.Topic] = refusePartitions(t.Topic, n)
		}
		_, out := no[t.Topic]
		return out
	})
	return no
}

// withoutGrow takes the topics out of r that would get too many partitions.
func withoutGrow(r *kmsg.CreatePartitionsRequest) map[string]topicError {
	no := make(map[string]topicError)
	r.Topics = slices.DeleteFunc(r.Topics, func(t kmsg.CreatePartitionsRequestTopic) bool {
		if int(t.Count) > admin.MaxPartitions {
			no[t.Topic] = refusePartitions(t.Topic, int(t.Count))
		}
		_, out := no[t.Topic]
		return out
	})
	return no
}
