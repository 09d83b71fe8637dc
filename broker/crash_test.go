package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/datadir"
)

// childDir names the variable that makes the test binary a broker in that
// directory, in place of running tests.
const childDir = "AXION_TEST_BROKER_DIR"

// child runs a broker until it is killed, or interrupted. It prints its address.
func child(dir string) int {
	lock, err := datadir.Acquire(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	b, err := Start(context.Background(), Options{
		Listener: l, Advertise: "127.0.0.1:0", Dir: dir, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready " + b.Addr())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
	if err := errors.Join(b.Close(), lock.Release()); err != nil {
		return 1
	}
	return 0
}

// spawn runs a broker in a process of its own.
func spawn(t *testing.T, dir string) (addr string, kill func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // says that it was killed
		}
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ok {
		t.Fatalf("child: got %q, %v; want its address", line, err)
	}
	return addr, kill
}

// TestKill: what the broker has acknowledged is there after kill -9, in topics
// that came into being by being named.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	addr, kill := spawn(t, dir)
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(addr),
		kgo.AllowAutoTopicCreation(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	const topics, each = 5, 200
	for i := range topics {
		produce(t, cl, fmt.Sprintf("auto-%d", i), 3, each)
	}
	offsets := make(kadm.Offsets)
	offsets.AddOffset("auto-0", 1, 7, -1)
	if err := kadm.NewClient(cl).CommitAllOffsets(testContext(t), "group", offsets); err != nil {
		t.Fatal(err)
	}
	kill()
	cl.Close()

	b := start(t, Options{Dir: dir})
	got, err := b.Admin().Topics(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != topics {
		t.Fatalf("got %d topics, want %d", len(got), topics)
	}
	for _, topic := range got {
		if len(topic.Partitions) != 3 || topic.Messages != 3*each {
			t.Errorf("topic %s: got %+v, want 3 partitions of %d records", topic.Name, topic, each)
		}
	}
	if got := committed(t, b, "group", "auto-0", 1); got != 7 {
		t.Errorf("commit: got %d, want 7", got)
	}
	consume(t, client(t, b, kgo.ConsumeTopics("auto-3")), 3*each)
}

// TestRestart: so it is after an orderly end.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, Options{Dir: dir, Topics: []string{"a"}})
	producer := client(t, first, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	produce(t, producer, "a", 3, 10)
	consumer := client(t, first, kgo.ConsumeTopics("a"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit())
	consume(t, consumer, 30)
	if err := consumer.CommitUncommittedOffsets(testContext(t)); err != nil {
		t.Fatal(err)
	}
	consumer.Close()
	producer.Close()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := start(t, Options{Dir: dir, Topics: []string{"a", "b"}})
	for p := range int32(3) {
		if got := committed(t, second, "g", "a", p); got != 10 {
			t.Errorf("commit of partition %d: got %d, want 10", p, got)
		}
	}
	produce(t, client(t, second, kgo.RecordPartitioner(kgo.ManualPartitioner())), "a", 3, 1)
	again := client(t, second, kgo.ConsumeTopics("a"), kgo.ConsumerGroup("g"))
	for _, r := range consume(t, again, 3) {
		if r.Offset != 10 {
			t.Errorf("partition %d: got offset %d, want 10", r.Partition, r.Offset)
		}
	}
}

// TestKillTransaction: a transaction that is open at a kill is never seen, and its
// producer begins the next as after a timeout.
func TestKillTransaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	addr, kill := spawn(t, dir)
	transactor := func(addr string) *kgo.Client {
		cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.TransactionalID("x"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	send := func(cl *kgo.Client, value string) {
		t.Helper()
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: "a", Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	cl := transactor(addr)
	send(cl, "committed")
	if err := cl.EndTransaction(testContext(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	send(cl, "open")
	kill()
	cl.CloseAllowingRebalance()

	b := start(t, Options{Dir: dir})
	cl = transactor(b.Addr())
	send(cl, "next")
	if err := cl.EndTransaction(testContext(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	reader := client(t, b, kgo.ConsumeTopics("a"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	for _, r := range consume(t, reader, 2) {
		if string(r.Value) == "open" {
			t.Error("the open transaction is seen")
		}
	}
}

// TestDamage: a file that cannot be read costs itself alone, and is reported.
func TestDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, Options{Dir: dir, Topics: []string{"a"}})
	produce(t, client(t, first, kgo.RecordPartitioner(kgo.ManualPartitioner())), "a", 3, 10)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "sasl.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := start(t, Options{Dir: dir, Topics: []string{"a"}})
	if d := second.Damage(); len(d) != 1 || d[0].Path != file {
		t.Errorf("got %v, want %s", d, file)
	}
	consume(t, client(t, second, kgo.ConsumeTopics("a")), 30)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if d := start(t, Options{Dir: dir, Topics: []string{"a"}}).Damage(); len(d) > 0 {
		t.Errorf("next start: got %v, want nothing", d)
	}
}

// committed is the offset that a group has committed.
func committed(t *testing.T, b *Broker, group, topic string, partition int32) int64 {
	t.Helper()
	offsets, err := b.Admin().Kadm().FetchOffsets(testContext(t), group)
	if err != nil {
		t.Fatal(err)
	}
	o, ok := offsets.Lookup(topic, partition)
	if !ok {
		return -1
	}
	return o.At
}
