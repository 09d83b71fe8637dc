package bus

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// revoking is what a bus logs once it starts no more messages of some partitions.
const revoking = "revoke partitions once their running handlers return"

// stopAmid stops a bus, which waits for its handlers: they end once open is closed,
// which is after the bus has said in its log that it begins no more.
func stopAmid(t *testing.T, stop func() error, log *journal, open chan struct{}) {
	t.Helper()
	said := log.count(revoking) // when it joined the group, if at all
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	eventually(t, "word in the log", func() bool { return log.count(revoking) > said })
	select {
	case err := <-stopped:
		t.Fatalf("run returned (%v) with a handler under way", err)
	default:
	}
	close(open)
	if err := receive(t, stopped, "end of run"); err != nil {
		t.Error(err)
	}
}

// TestDrain stops a bus with one message in hand and one behind it.
func TestDrain(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	log := &journal{}
	b := openBus(t, brokers, "svc", log.keep(slog.LevelDebug))
	entered, open := make(chan string, 2), make(chan struct{})
	b.Handle("T", func(ctx context.Context, m *Message) (any, error) {
		entered <- string(m.Data())
		<-open
		return nil, ctx.Err() // not cancelled by the end of Run's context
	})
	stop := runBus(t, b)
	peer := plainClient(t, brokers)
	produce(t, peer, event("axion.svc", "T", "k", `[1]`), event("axion.svc", "T", "k", `[2]`))
	receive(t, entered, "first message")
	if got := committed(t, peer, "svc", "axion.svc", 0); got > 0 {
		t.Errorf("offset %d committed before the message was handled", got)
	}
	stopAmid(t, stop, log, open)
	if got := committed(t, peer, "svc", "axion.svc", 0); got != 1 {
		t.Errorf("got offset %d committed, want 1", got)
	}
	select {
	case got := <-entered:
		t.Errorf("message %s begun after the end", got)
	default:
	}
}

// TestDrainGap stops a bus with a message in hand, one behind it by key, another key's
// after both that is done, and one after all. What comes before the one that is done is
// handled too, so that it can be committed and does not come again.
func TestDrainGap(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	log := &journal{}
	b := openBus(t, brokers, "svc", log.keep(slog.LevelDebug))
	entered, open := make(chan string, 4), make(chan struct{})
	b.Handle("T", func(_ context.Context, m *Message) (any, error) {
		entered <- string(m.Data())
		if m.Key == "slow" {
			<-open
		}
		return nil, nil
	})
	stop := runBus(t, b)
	peer := plainClient(t, brokers)
	produce(t, peer, event("axion.svc", "T", "slow", `[0]`), event("axion.svc", "T", "slow", `[1]`),
		event("axion.svc", "T", "quick", `[2]`), event("axion.svc", "T", "slow", `[3]`))
	began := []string{receive(t, entered, "message"), receive(t, entered, "message")}
	stopAmid(t, stop, log, open)
	close(entered)
	for data := range entered {
		began = append(began, data)
	}
	slices.Sort(began)
	if got := committed(t, peer, "svc", "axion.svc", 0); got != 3 || !slices.Equal(began, []string{"[0]", "[1]", "[2]"}) {
		t.Errorf("handled %v and committed %d, want [0] to [2] and 3", began, got)
	}
}

// TestDrainBound stops a bus whose handler does not end by itself: its context
// does in time, and the message comes again.
func TestDrainBound(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	first := openBus(t, brokers, "svc", func(o *Options) { o.drainTimeout = time.Millisecond })
	entered, left := make(chan struct{}, 1), make(chan struct{})
	first.Handle("T", func(ctx context.Context, _ *Message) (any, error) {
		entered <- struct{}{}
		<-ctx.Done()
		close(left)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- first.Run(ctx) }()
	peer := plainClient(t, brokers)
	produce(t, peer, event("axion.svc", "T", "k", `[1]`))
	receive(t, entered, "message")
	cancel()
	if err := receive(t, done, "end of run"); err == nil || !strings.Contains(err.Error(), "1 handler still runs") {
		t.Errorf("got %v, want that a handler still runs", err)
	}
	receive(t, left, "end of the handler")
	again := openBus(t, brokers, "svc")
	got := make(chan string, 1)
	again.Handle("T", func(_ context.Context, m *Message) (any, error) { got <- string(m.Data()); return nil, nil })
	runBus(t, again)
	if data := receive(t, got, "message again"); data != `[1]` {
		t.Errorf("got %s, want [1]", data)
	}
}

// tally counts who handled what.
type tally struct {
	mu      sync.Mutex
	handled map[string][]string // members by event id
}

func (c *tally) add(id, member string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handled == nil {
		c.handled = make(map[string][]string)
	}
	c.handled[id] = append(c.handled[id], member)
}

func (c *tally) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.handled)
}

// check wants each event handled once, and something from each member.
func (c *tally) check(t *testing.T, members ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	by := make(map[string]bool)
	for id, at := range c.handled {
		if len(at) != 1 {
			t.Errorf("event %s handled by %v", id, at)
		}
		by[at[0]] = true
	}
	for _, name := range members {
		if !by[name] {
			t.Errorf("nothing handled by %s", name)
		}
	}
}

// TestRebalance lets a second member join amid the messages: each is handled
// once, since what is in hand is finished and committed before it moves.
func TestRebalance(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	var tally tally
	member := func(name string) *Bus {
		b := openBus(t, brokers, "svc")
		b.Handle("T", func(_ context.Context, m *Message) (any, error) { tally.add(m.ID, name); return nil, nil })
		return b
	}
	sender := openBus(t, brokers, "sender")
	sent := 0
	send := func() {
		err := sender.Publish(testContext(t), Event{Type: "T", Topic: "axion.svc", Key: fmt.Sprint(sent % 17)})
		if err != nil {
			t.Fatal(err)
		}
		sent++
	}
	all := func() bool { return tally.len() == sent }
	runBus(t, member("first"))
	second := member("second")
	stop := startBus(t, second)
	for ready := false; !ready; { // so that there are always some just done
		send()
		select {
		case <-second.Ready():
			ready = true
		default:
		}
	}
	for range 100 {
		send()
	}
	eventually(t, "all events handled", all)
	if got := protocol(t, sender.conn.Admin, "svc-server"); got != "RoundRobinAssigner" {
		t.Errorf("got protocol %q, want the one of KafkaJS", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	for range 50 {
		send()
	}
	eventually(t, "all events handled by the first member", all)
	tally.check(t, "first", "second")
}

// protocol is the name of the assignment that a group agreed on.
func protocol(t *testing.T, admin *kadm.Client, group string) string {
	t.Helper()
	described, err := admin.DescribeGroups(testContext(t), group)
	if err != nil {
		t.Fatal(err)
	}
	return described[group].Protocol
}

// TestCrash kills a process with a message in hand, and finds it again.
func TestCrash(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t, "axion.svc").ListenAddrs()
	peer := plainClient(t, brokers)
	produce(t, peer, event("axion.svc", "T", "k", `[1]`), event("axion.svc", "T", "other", `[2]`))

	cmd := exec.CommandContext(testContext(t), os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+strings.Join(brokers, ","))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "in hand\n" {
		t.Fatalf("victim says %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // it was killed
	evict(t, peer, "svc-server")

	b := openBus(t, brokers, "svc")
	got := make(chan string, 2)
	b.Handle("T", func(_ context.Context, m *Message) (any, error) { got <- string(m.Data()); return nil, nil })
	runBus(t, b)
	if first, second := receive(t, got, "message"), receive(t, got, "message"); first+second != `[1][2]` && first+second != `[2][1]` {
		t.Errorf("got %s and %s, want both", first, second)
	}
}

// victim is the process that TestCrash kills: it handles the second message
// and hangs in the first.
func victim(brokers []string) {
	ctx := context.Background()
	b, err := Open(ctx, Options{Service: "svc", Brokers: brokers})
	if err != nil {
		fmt.Println(err)
		return
	}
	handled := make(chan struct{})
	b.Handle("T", func(_ context.Context, m *Message) (any, error) {
		if m.Key == "other" {
			close(handled)
			return nil, nil
		}
		<-handled
		fmt.Println("in hand")
		select {}
	})
	fmt.Println(b.Run(ctx))
}

// evict takes dead members out of a group, which the session timeout would do
// after 10 s.
func evict(t *testing.T, c *kgo.Client, group string) {
	t.Helper()
	admin := kadm.NewClient(c)
	described, err := admin.DescribeGroups(testContext(t), group)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range described[group].Members {
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group, leave.MemberID = group, m.MemberID
		member := kmsg.NewLeaveGroupRequestMember()
		member.MemberID = m.MemberID
		leave.Members = append(leave.Members, member)
		if _, err := leave.RequestWith(testContext(t), c); err != nil {
			t.Fatal(err)
		}
	}
}
