package guard

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/frame"
)

// inspected are the keys whose frames the guard always sees whole. Of a produce it
// sees the body, unless a fault is on.
func inspected(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata, kmsg.CreateTopics, kmsg.CreatePartitions, kmsg.DeleteTopics,
		kmsg.DescribeConfigs, kmsg.AlterConfigs, kmsg.IncrementalAlterConfigs,
		kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup, kmsg.JoinGroup, kmsg.ConsumerGroupHeartbeat, kmsg.DeleteGroups,
		kmsg.ShareFetch, kmsg.ShareAcknowledge, kmsg.AlterShareGroupOffsets, kmsg.DeleteShareGroupOffsets:
		return true
	}
	return false
}

// inspect has a request other than a fetch, and its response, be what Kafka's are. It
// returns the frame to pass on.
func inspect(c *client, req frame.Request, f []byte) ([]byte, error) {
	parsed := kmsg.RequestForKey(req.Key)
	parsed.SetVersion(req.Version)
	if err := parsed.ReadFrom(f[req.Body:]); err != nil {
		return nil, frame.Refuse("%s request that cannot be read: %v", kmsg.NameForKey(req.Key), err)
	}
	switch r := parsed.(type) {
	case *kmsg.ProduceRequest:
		return produce(c, req, f, r), nil
	case *kmsg.DeleteTopicsRequest, *kmsg.AlterConfigsRequest:
		c.onResponse(req, settingsChanged{c.Rules})
	case *kmsg.IncrementalAlterConfigsRequest:
		c.onResponse(req, settingsChanged{c.Rules})
		keepSettings(c, req, r)
	case *kmsg.ListOffsetsRequest:
		f = listOffsets(c, req, f, r)
	case *kmsg.MetadataRequest:
		refuse(c, req, autoCreate(c.Cluster, r))
	case *kmsg.CreateTopicsRequest:
		f = without(c, req, f, r, withoutCreate(r))
	case *kmsg.CreatePartitionsRequest:
		f = without(c, req, f, r, withoutGrow(r))
	default:
		c.Members.Observe(c.conn, parsed)
	}
	return change(c, req, f, parsed), nil
}

// change completes what a request and its response lack of Kafka's, and returns the frame to
// pass on. What is wrong by Kafka's rules is found by the names that clients know, before they
// are those that kfake gets.
func change(c *client, req frame.Request, f []byte, parsed kmsg.Request) []byte {
	completed, instead, changed := exchange(c, req, f, parsed)
	if instead {
		c.onResponse(req, *completed)
		return frame.Stub(f)
	}
	noteMembers(c, req, f, parsed)
	changed = configure(c, req, f, parsed) || changed
	if completed != nil {
		c.onResponse(req, *completed)
	}
	if changed {
		return frame.Encode(f[:req.Body], parsed)
	}
	return f
}
