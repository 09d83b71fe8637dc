package membership

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	testTopic = "topic"
	testGroup = "group"
)

// node is a kfake with a journal in its directory.
type node struct {
	t        *testing.T
	dir      string
	cluster  *kfake.Cluster
	mu       sync.Mutex
	clients  map[string]*kgo.Client // by member: one that joins holds its connection up
	journal  *Journal               // nil where kfake is on its own
	restored []Member
}

// open starts one, with a journal or without.
func open(t *testing.T, dir string, journal bool) *node {
	t.Helper()
	n := &node{t: t, dir: dir, clients: make(map[string]*kgo.Client)}
	var err error
	if journal {
		if n.journal, n.restored, err = Restore(dir, nil, nil); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := n.journal.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	n.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SeedTopics(4, testTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.cluster.Close)
	if journal {
		n.journal.Attach(n.cluster)
	}
	t.Cleanup(n.hangUp)
	for _, m := range n.restored {
		if m.Placeholder {
			n.leaveModern(m.ID)
		}
	}
	return n
}

// kill opens what a kill at this moment would leave: kfake writes as it goes.
func (n *node) kill(journal bool) *node {
	n.t.Helper()
	dir := n.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(n.dir)); err != nil {
		n.t.Fatal(err)
	}
	return open(n.t, dir, journal)
}

// hangUp closes the clients.
func (n *node) hangUp() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, cl := range n.clients {
		cl.Close()
	}
}

// client is the one of a member.
func (n *node) client(id string) *kgo.Client {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.clients[id] == nil {
		cl, err := kgo.NewClient(kgo.SeedBrokers(n.cluster.ListenAddrs()...))
		if err != nil {
			n.t.Error(err)
		}
		n.clients[id] = cl
	}
	return n.clients[id]
}

// ask sends a request as a member's client, past the journal.
func (n *node) ask(c Client, id string, req kmsg.Request) kmsg.Response {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var answered func(kmsg.Response)
	if n.journal != nil {
		answered = n.journal.Follow(c, req)
	}
	resp, err := n.client(id).Broker(0).Request(ctx, req)
	if err != nil {
		n.t.Errorf("%T: %v", req, err)
		return nil
	}
	if answered != nil {
		answered(resp)
	}
	return resp
}

var outside = Client{ID: "client", Host: "10.0.0.1:1234"}

// joinRequest is one of a member that has joined before, or of a new one.
func joinRequest(id string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID, req.ProtocolType = 9, testGroup, id, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 30_000, 30_000
	p := kmsg.NewJoinGroupRequestProtocol()
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Topics = []string{testTopic}
	p.Name, p.Metadata = "range", meta.AppendTo(nil)
	req.Protocols = append(req.Protocols, p)
	return req
}

// newID is a member's id, which its first request to join is answered.
func (n *node) newID(c Client) string {
	n.t.Helper()
	return n.ask(c, "", joinRequest("")).(*kmsg.JoinGroupResponse).MemberID
}

// join has members join at once, and returns the answer to the leader.
func (n *node) join(clients map[string]Client) (leader *kmsg.JoinGroupResponse) {
	n.t.Helper()
	answers := make(chan *kmsg.JoinGroupResponse)
	for id, c := range clients {
		go func() {
			resp, _ := n.ask(c, id, joinRequest(id)).(*kmsg.JoinGroupResponse)
			answers <- resp
		}()
	}
	for range clients {
		switch resp := <-answers; {
		case resp == nil || resp.ErrorCode != 0:
			n.t.Fatalf("join: got %+v", resp)
		case resp.LeaderID == resp.MemberID:
			leader = resp
		}
	}
	if leader == nil {
		n.t.Fatal("nobody leads")
	}
	return leader
}

// sync assigns each member its own id.
func (n *node) sync(c Client, generation int32, id string, all ...string) *kmsg.SyncGroupResponse {
	n.t.Helper()
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 5, testGroup, id, generation
	for _, other := range all {
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = other, []byte(other)
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	return n.ask(c, id, req).(*kmsg.SyncGroupResponse)
}

// grow has a member join a group that the first leads.
func (n *node) grow(c Client, first string) (generation int32, other string) {
	n.t.Helper()
	other = n.newID(c)
	joined := make(chan struct{})
	go func() {
		defer close(joined)
		n.ask(c, other, joinRequest(other))
	}()
	for members := 1; members < 2; { // the first comes alone until the other is there
		resp := n.join(map[string]Client{first: outside})
		generation, members = resp.Generation, len(resp.Members)
	}
	<-joined
	return generation, other
}

// stable makes a group of two members, of whom the second's client is given.
func (n *node) stable(second Client) (generation int32, first, other string) {
	n.t.Helper()
	first = n.newID(outside)
	n.join(map[string]Client{first: outside})
	generation, other = n.grow(second, first)
	if resp := n.sync(outside, generation, first, first, other); resp.ErrorCode != 0 || string(resp.MemberAssignment) != first {
		n.t.Fatalf("sync of the leader: got %+v", resp)
	}
	return generation, first, other
}

// heartbeat is what one is answered.
func (n *node) heartbeat(generation int32, id string) error {
	n.t.Helper()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 4, testGroup, id, generation
	return kerr.ErrorForCode(n.ask(outside, id, req).(*kmsg.HeartbeatResponse).ErrorCode)
}

// commit is what a commit for partition 0 is answered.
func (n *node) commit(generation int32, id string, offset int64) error {
	n.t.Helper()
	return n.commitTo(0, generation, id, offset)
}

func (n *node) commitTo(partition, generation int32, id string, offset int64) error {
	n.t.Helper()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 8, testGroup, id, generation
	topic := kmsg.NewOffsetCommitRequestTopic()
	part := kmsg.NewOffsetCommitRequestTopicPartition()
	part.Partition, part.Offset = partition, offset
	topic.Topic, topic.TopicID = testTopic, n.cluster.TopicInfo(testTopic).TopicID
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	return kerr.ErrorForCode(n.ask(outside, id, req).(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode)
}

// beat is a heartbeat of KIP-848. Its first has the epoch 0.
func (n *node) beat(c Client, id string, epoch int32, owned ...int32) *kmsg.ConsumerGroupHeartbeatResponse {
	n.t.Helper()
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.MemberEpoch = 1, testGroup, id, epoch
	if epoch == 0 {
		req.SubscribedTopicNames, req.RebalanceTimeoutMillis = []string{testTopic}, 30_000
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	}
	if owned != nil {
		topic := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		topic.TopicID, topic.Partitions = n.cluster.TopicInfo(testTopic).TopicID, owned
		req.Topics = append(req.Topics, topic)
	}
	return n.ask(c, id, req).(*kmsg.ConsumerGroupHeartbeatResponse)
}

func (n *node) leaveModern(id string) {
	n.t.Helper()
	if resp := n.beat(outside, id, -1); resp.ErrorCode != 0 {
		n.t.Errorf("%s leaves: got %v", id, kerr.ErrorForCode(resp.ErrorCode))
	}
}

func partsOf(resp *kmsg.ConsumerGroupHeartbeatResponse) []int32 {
	if resp.Assignment == nil || len(resp.Assignment.Topics) == 0 {
		return nil
	}
	return slices.Sorted(slices.Values(resp.Assignment.Topics[0].Partitions))
}
