package guard

import (
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/admin"
	"axion/broker/frame"
	"axion/broker/live"
	"axion/broker/retention"
)

// topicError is the answer about one topic.
type topicError struct {
	code    int16
	message string
}

// autoCreate creates the topics that a metadata request creates by naming them,
// and returns those it refuses. kfake could create them itself, but would not
// write them down before its end: killed, it loses their records.
func autoCreate(cluster *live.Cluster, r *kmsg.MetadataRequest) map[string]topicError {
	no := make(map[string]topicError)
	create := r.AllowAutoTopicCreation || r.Version < 4 // before, it is implied
	for _, topic := range r.Topics {
		if topic.Topic == nil || topic.TopicID != [16]byte{} {
			continue
		}
		name := *topic.Topic
		if err := admin.CheckTopicName(name); err != nil {
			no[name] = refuseTopic(err)
			continue
		}
		if !create {
			continue
		}
		var err error
		cluster.With(func(c *kfake.Cluster) { err = c.CreateTopic(name, 0, nil) })
		if clash := collision(name, err); clash != nil {
			no[name] = refuseTopic(clash)
		}
	}
	return no
}

// refuse has topics refused in the response to req.
func refuse(c *client, req frame.Request, topics map[string]topicError) {
	if len(topics) == 0 {
		return
	}
	c.onResponse(req, topicErrors{key: req.Key, version: req.Version, topics: topics})
}

// without returns the frame of a request that has lost the refused topics.
func without(c *client, req frame.Request, f []byte, left kmsg.Request, topics map[string]topicError) []byte {
	if len(topics) == 0 {
		return f
	}
	refuse(c, req, topics)
	return frame.Encode(f[:req.Body], left)
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

// topicErrors is what the guard adds to kfake's response to one request.
type topicErrors struct {
	key, version int16
	topics       map[string]topicError
}

// complete returns the answer p with the refused topics in it.
func (r topicErrors) complete(p []byte) ([]byte, error) {
	resp, body, err := frame.DecodeResponse(p, r.key, r.version)
	if err != nil {
		return nil, err
	}
	switch a := resp.(type) {
	case *kmsg.MetadataResponse:
		r.metadata(a)
	case *kmsg.CreateTopicsResponse:
		r.create(a)
	case *kmsg.CreatePartitionsResponse:
		r.createPartitions(a)
	}
	return frame.EncodeResponse(p[:body], resp), nil
}

// metadata: kfake has answered that it does not know the topics.
func (r topicErrors) metadata(a *kmsg.MetadataResponse) {
	for i := range a.Topics {
		topic := &a.Topics[i]
		if topic.Topic == nil {
			if topic.TopicID != [16]byte{} {
				continue // asked for by id
			}
			topic.Topic = new(string) // kfake leaves an empty name out
		}
		if no, ok := r.topics[*topic.Topic]; ok {
			topic.ErrorCode = no.code
		}
	}
}

// create: kfake was not asked for the topics.
func (r topicErrors) create(a *kmsg.CreateTopicsResponse) {
	retention.RevealCreated(a)
	for name, no := range r.topics {
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic, topic.ErrorCode, topic.ErrorMessage = name, no.code, &no.message
		a.Topics = append(a.Topics, topic)
	}
}

// createPartitions: kfake was not asked for the topics.
func (r topicErrors) createPartitions(a *kmsg.CreatePartitionsResponse) {
	for name, no := range r.topics {
		topic := kmsg.NewCreatePartitionsResponseTopic()
		topic.Topic, topic.ErrorCode, topic.ErrorMessage = name, no.code, &no.message
		a.Topics = append(a.Topics, topic)
	}
}
