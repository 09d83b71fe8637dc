package migrate_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/goleak"

	"axion/broker"
	"axion/services/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	deadline   = time.Minute
	topic      = "shared"
	partitions = 4
)

// consumer is a member of the group that reads until it is closed.
type consumer struct {
	client *kgo.Client
	done   chan struct{}

	mu  sync.Mutex
	has map[int32]bool
}

// modern is the option for the consumer protocol.
func modern() kgo.Opt {
	return kgo.WithContext(context.WithValue(context.Background(),
		"opt_in_kafka_next_gen_balancer_beta", true)) //nolint:staticcheck // kgo's key
}

// consume starts a member; seen counts the values of the records that it reads.
func consume(t *testing.T, addr string, seen *sync.Map, opts ...kgo.Opt) *consumer {
	t.Helper()
	c := &consumer{done: make(chan struct{}), has: make(map[int32]bool)}
	change := func(to bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, moved map[string][]int32) {
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, p := range moved[topic] {
				if delete(c.has, p); to {
					c.has[p] = true
				}
			}
		}
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(addr), kgo.ConsumerGroup("g"), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.HeartbeatInterval(100 * time.Millisecond), kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.OnPartitionsAssigned(change(true)), kgo.OnPartitionsRevoked(change(false)), kgo.OnPartitionsLost(change(false)),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	c.client = client
	go func() {
		defer close(c.done)
		for {
			fetches := client.PollFetches(context.Background())
			if fetches.IsClientClosed() {
				return
			}
			fetches.EachRecord(func(r *kgo.Record) {
				n, _ := seen.LoadOrStore(string(r.Value), new(int))
				*n.(*int)++
			})
		}
	}()
	t.Cleanup(c.close)
	return c
}

func (c *consumer) close() {
	c.client.Close()
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.has)
}

// shared waits until the members have all partitions among them, each some.
func shared(t *testing.T, members ...*consumer) {
	t.Helper()
	var state string
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		all, sum, each := make(map[int32]bool), 0, true
		state = ""
		for _, c := range members {
			c.mu.Lock()
			for p := range c.has {
				all[p] = true
			}
			sum, each = sum+len(c.has), each && len(c.has) > 0
			state += fmt.Sprint(c.has)
			c.mu.Unlock()
		}
		if each && sum == partitions && len(all) == partitions {
			return
		}
	}
	t.Fatalf("the members never had the partitions among them: %s", state)
}

// started is an embedded broker with the topic, and its address.
func started(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	b, err := broker.Start(ctx, broker.Options{
		Listener: l, Dir: t.TempDir(), Topics: []string{topic}, Partitions: partitions, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b.Addr()
}

// produce writes n records, and waits for them.
func produce(t *testing.T, addr, label string, n int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := range n {
		client.Produce(t.Context(), kgo.StringRecord(fmt.Sprint(label, i)), nil)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// all waits until n values were read.
func all(t *testing.T, seen *sync.Map, n int) {
	t.Helper()
	count := 0
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		count = 0
		seen.Range(func(any, any) bool { count++; return true })
		if count == n {
			return
		}
	}
	t.Fatalf("read %d of %d records", count, n)
}

// TestRolling: the instances of a service change protocol one after the other, and back,
// and no record is left out; for each way in which classic members rebalance.
func TestRolling(t *testing.T) {
	t.Parallel()
	for name, classic := range map[string]kgo.Opt{
		"Cooperative": kgo.Balancers(kgo.CooperativeStickyBalancer()), "Eager": kgo.Balancers(kgo.RangeBalancer()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rolling(t, started(t), classic)
		})
	}
}

// TestRollingKafka: Apache Kafka does the same.
func TestRollingKafka(t *testing.T) {
	clustertest.Slow(t)
	t.Parallel()
	addr := clustertest.StartKafka(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), partitions, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	rolling(t, addr, kgo.Balancers(kgo.CooperativeStickyBalancer()))
}

func rolling(t *testing.T, addr string, classic kgo.Opt) {
	seen := new(sync.Map)
	a, b := consume(t, addr, seen, classic), consume(t, addr, seen, classic)
	shared(t, a, b)
	produce(t, addr, "classic-", 40)
	all(t, seen, 40)
	c := consume(t, addr, seen, modern())
	shared(t, a, b, c)
	produce(t, addr, "upgrade-", 40)
	all(t, seen, 80)
	a.close()
	shared(t, b, c)
	b.close()
	shared(t, c)
	produce(t, addr, "modern-", 40)
	all(t, seen, 120)
	d := consume(t, addr, seen, classic)
	shared(t, c, d)
	c.close()
	shared(t, d)
	produce(t, addr, "downgrade-", 40)
	all(t, seen, 160)
	d.close()
	e := consume(t, addr, seen, classic) // nobody else is there
	shared(t, e)
	produce(t, addr, "again-", 40)
	all(t, seen, 200)
}

// TestKfake: kfake alone refuses the first member that changes. Where it does no more,
// this package can go.
func TestKfake(t *testing.T) {
	t.Parallel()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	addr := k.ListenAddrs()[0]
	shared(t, consume(t, addr, new(sync.Map)))
	client := dial(t, addr)
	if code := beat(t, client, "g", "newcomer", 0).ErrorCode; code != kerr.GroupIDNotFound.Code {
		t.Errorf("kfake answers the first that changes with %d", code)
	}
	if code := beat(t, client, "none", "stranger", 5).ErrorCode; code != kerr.UnknownMemberID.Code {
		t.Errorf("kfake answers a stranger with %d", code)
	}
	if kind := kindOf(t, client, "none"); kind != "consumer" {
		t.Errorf("kfake makes a %q group of a stranger's heartbeat", kind)
	}
}

func dial(t *testing.T, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// beat sends a heartbeat of the consumer protocol.
func beat(t *testing.T, client *kgo.Client, group, id string, epoch int32) *kmsg.ConsumerGroupHeartbeatResponse {
	t.Helper()
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch, req.RebalanceTimeoutMillis = group, id, epoch, 10_000
	if epoch == 0 {
		req.SubscribedTopicNames, req.Topics = []string{topic}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	}
	return sent[*kmsg.ConsumerGroupHeartbeatResponse](t, client, req)
}

func sent[R kmsg.Response](t *testing.T, client *kgo.Client, req kmsg.Request) R {
	t.Helper()
	resp, err := client.Broker(0).RetriableRequest(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return resp.(R)
}

func kindOf(t *testing.T, client *kgo.Client, group string) string {
	t.Helper()
	for _, g := range sent[*kmsg.ListGroupsResponse](t, client, kmsg.NewPtrListGroupsRequest()).Groups {
		if g.Group == group {
			return g.GroupType
		}
	}
	return ""
}

// TestStranger: a heartbeat of a member that is none changes no group and makes none.
func TestStranger(t *testing.T) {
	t.Parallel()
	addr := started(t)
	client := dial(t, addr)
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Group, commit.Generation = "committed", -1
	sent[*kmsg.OffsetCommitResponse](t, client, commit)
	for _, group := range []string{"none", "committed"} {
		before := kindOf(t, client, group)
		for _, epoch := range []int32{-2, -1, 1, 7} {
			if code := beat(t, client, group, "stranger", epoch).ErrorCode; code != kerr.GroupIDNotFound.Code {
				t.Errorf("%s, epoch %d: got error %d, want %d", group, epoch, code, kerr.GroupIDNotFound.Code)
			}
		}
		if after := kindOf(t, client, group); after != before {
			t.Errorf("%s: its kind was %q and is %q", group, before, after)
		}
	}
}

// TestOldClient: a classic member of versions before the consumer protocol, as KafkaJS
// has them, joins, commits, rebalances and leaves in a group of the consumer protocol.
func TestOldClient(t *testing.T) {
	t.Parallel()
	addr := started(t)
	client := dial(t, addr, kgo.MaxVersions(kversion.V2_4_0()))
	newer := dial(t, addr)
	first := beat(t, newer, "g", "modern", 0)
	if first.ErrorCode != 0 {
		t.Fatalf("join: error %d", first.ErrorCode)
	}
	metadata := kmsg.NewConsumerMemberMetadata()
	metadata.Topics = []string{topic}
	join := kmsg.NewPtrJoinGroupRequest()
	join.Group, join.ProtocolType, join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = "g", "consumer", 30_000, 30_000
	join.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "RoundRobinAssigner", Metadata: metadata.AppendTo(nil)}}
	joined := sent[*kmsg.JoinGroupResponse](t, client, join)
	if joined.ErrorCode != kerr.MemberIDRequired.Code || joined.MemberID == "" {
		t.Fatalf("join: got error %d and id %q, want an id", joined.ErrorCode, joined.MemberID)
	}
	join.MemberID = joined.MemberID
	joined = sent[*kmsg.JoinGroupResponse](t, client, join)
	if joined.ErrorCode != 0 || *joined.Protocol != "RoundRobinAssigner" || joined.LeaderID == joined.MemberID {
		t.Fatalf("join: %+v", joined)
	}
	commit := func(generation int32) int16 {
		req := kmsg.NewPtrOffsetCommitRequest()
		req.Group, req.Generation, req.MemberID = "g", generation, joined.MemberID
		of, part := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
		part.Offset = 5
		of.Topic, of.Partitions = topic, append(of.Partitions, part)
		req.Topics = append(req.Topics, of)
		return sent[*kmsg.OffsetCommitResponse](t, client, req).Topics[0].Partitions[0].ErrorCode
	}
	if code := commit(joined.Generation); code != 0 {
		t.Errorf("commit: error %d", code)
	}
	if code := commit(joined.Generation + 7); code != kerr.IllegalGeneration.Code {
		t.Errorf("commit of another generation: got error %d, want %d", code, kerr.IllegalGeneration.Code)
	}
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.Members = "g", []kmsg.LeaveGroupRequestMember{{MemberID: joined.MemberID}}
	if left := sent[*kmsg.LeaveGroupResponse](t, client, leave); left.ErrorCode != 0 || left.Members[0].ErrorCode != 0 {
		t.Errorf("leave: %+v", left)
	}
	if left := sent[*kmsg.LeaveGroupResponse](t, client, leave); left.Members[0].ErrorCode != kerr.UnknownMemberID.Code {
		t.Errorf("leave twice: %+v", left)
	}
	if code := commit(joined.Generation); code != kerr.UnknownMemberID.Code {
		t.Errorf("commit after leaving: got error %d, want %d", code, kerr.UnknownMemberID.Code)
	}
}
