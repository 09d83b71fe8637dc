package broker

import (
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/admin"
)

// inspect implements frameHandler.
func (g *guardedConn) inspect(req request, frame []byte) ([]byte, error) {
	g.endFetch(fetchGrace)
	if kmsg.Key(req.key) == kmsg.Fetch {
		return g.inspectFetch(req, frame)
	}
	parsed := kmsg.RequestForKey(req.key)
	parsed.SetVersion(req.version)
	if err := parsed.ReadFrom(frame[req.body:]); err != nil {
		return nil, refusef("%s request that cannot be read: %v", kmsg.NameForKey(req.key), err)
	}
	switch r := parsed.(type) {
	case *kmsg.ProduceRequest:
		return g.produce(req, frame, r), nil
	case *kmsg.DeleteTopicsRequest, *kmsg.AlterConfigsRequest:
		g.onResponse(req, settingsChanged{g.listener.broker})
	case *kmsg.IncrementalAlterConfigsRequest:
		g.onResponse(req, settingsChanged{g.listener.broker})
		g.keepSettings(req, r)
	case *kmsg.ListOffsetsRequest:
		frame = g.listOffsets(req, frame, r)
	case *kmsg.MetadataRequest:
		g.refuse(req, g.listener.broker.autoCreate(r))
	case *kmsg.CreateTopicsRequest:
		frame = g.withoutTopics(req, frame, r, withoutCreate(r))
	case *kmsg.CreatePartitionsRequest:
		frame = g.withoutTopics(req, frame, r, withoutGrow(r))
	default:
		g.listener.members.observe(g, parsed)
	}
	return g.change(req, frame, parsed), nil
}

// change has a request and its answer be what Kafka's are, and returns the frame to pass
// on. What is wrong by Kafka's rules is found by the names that clients know, before they
// are those that kfake gets.
func (g *guardedConn) change(req request, frame []byte, parsed kmsg.Request) []byte {
	completed, instead, changed := g.exchange(req, frame, parsed)
	if instead {
		g.onResponse(req, *completed)
		return aside(frame)
	}
	g.noteMembers(req, frame, parsed)
	changed = g.configure(req, frame, parsed) || changed
	if completed != nil {
		g.onResponse(req, *completed)
	}
	if changed {
		return framed(frame[:req.body], parsed)
	}
	return frame
}

// autoCreate creates the topics that a metadata request creates by naming them,
// and returns those it refuses. kfake could create them itself, but would not
// write them down before its end: killed, it loses their records.
func (b *Broker) autoCreate(r *kmsg.MetadataRequest) map[string]topicError {
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
		b.withCluster(func(c *kfake.Cluster) { err = c.CreateTopic(name, 0, nil) })
		if clash := collision(name, err); clash != nil {
			no[name] = refuseTopic(clash)
		}
	}
	return no
}

// refuse keeps what to add to the answer of req.
func (g *guardedConn) refuse(req request, topics map[string]topicError) {
	if len(topics) == 0 {
		return
	}
	g.onResponse(req, responseRewrite{key: req.key, version: req.version, topics: topics})
}

// onResponse keeps what to do with the answer of req, after what is kept already.
func (g *guardedConn) onResponse(req request, c responseHook) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if prior := g.completions[req.serial]; prior != nil {
		c = both{prior, c}
	}
	g.completions[req.serial] = c
}

// both are two completions, one after the other.
type both [2]responseHook

// complete implements responseHook.
func (b both) complete(p []byte) ([]byte, error) {
	p, err := b[0].complete(p)
	if err != nil {
		return nil, err
	}
	return b[1].complete(p)
}

// wants implements frameHandler.
func (g *guardedConn) wants(key int16) bool {
	return inspected(key) || concerned(key) || kmsg.Key(key) == kmsg.Produce && g.listener.broker.faults.produce()
}

// withoutTopics returns the frame of a request that has lost the refused topics.
func (g *guardedConn) withoutTopics(req request, frame []byte, left kmsg.Request, topics map[string]topicError) []byte {
	if len(topics) == 0 {
		return frame
	}
	g.refuse(req, topics)
	return framed(frame[:req.body], left)
}
