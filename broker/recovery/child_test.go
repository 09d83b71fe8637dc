package recovery_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/goleak"

	"axion/broker/recovery"
)

const (
	// childDir names the variable that makes the test binary a broker in that
	// directory, in place of running tests.
	childDir = "AXION_TEST_RECOVERY_DIR"
	// childDies names the variable that has that broker be killed by an EndTxn: the
	// journal has it, and kfake never sees it.
	childDies = "AXION_TEST_RECOVERY_DIES"
	// childCompacts names the variable that makes its topic a compacted one, and
	// DeleteRecords compact it.
	childCompacts = "AXION_TEST_RECOVERY_COMPACTS"
	// childRecovers names the variable that makes it a recovery, and no broker.
	childRecovers = "AXION_TEST_RECOVERY_ONLY"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childRecovers); dir != "" {
		if _, err := recovery.Run(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	goleak.VerifyTestMain(m)
}

// child runs a broker until it is killed, or interrupted. It prints its address.
func child(dir string) int {
	b, err := open(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if os.Getenv(childCompacts) != "" {
		b.Cluster.ControlKey(int16(kmsg.DeleteRecords), func(kmsg.Request) (kmsg.Response, error, bool) {
			b.Cluster.Compact()
			return nil, nil, false
		})
	}
	if os.Getenv(childDies) != "" {
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			fmt.Println(err)
			return 1
		}
		b.Cluster.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
			_ = self.Kill()
			select {}
		})
	}
	if b.Report.Fresh {
		var configs map[string]string
		if os.Getenv(childCompacts) != "" {
			configs = map[string]string{"cleanup.policy": "compact"}
		}
		if err := b.Cluster.CreateTopic("t", 2, configs); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt) // before anybody can know that it is ready
	fmt.Println("ready " + b.Cluster.ListenAddrs()[0])
	<-stop
	if err := b.Close(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// open runs kfake in a directory, with all that this package adds.
func open(dir string, opts ...kfake.Opt) (*recovery.Store, error) {
	log := slog.New(slog.DiscardHandler)
	return recovery.Open(dir, log, kfake.BasicLogger(io.Discard, kfake.LogLevelNone), func(l kfake.Logger) (*kfake.Cluster, error) {
		return kfake.NewCluster(append([]kfake.Opt{
			kfake.NumBrokers(1), kfake.ClusterID("axion"), kfake.DataDir(dir), kfake.DefaultNumPartitions(2), kfake.AllowAutoTopicCreation(),
			kfake.MaxVersions(versions()), kfake.BrokerConfigs(map[string]string{"log.segment.bytes": "4096"}), kfake.WithLogger(l),
		}, opts...)...)
	})
}

// versions are those of the embedded broker.
func versions() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(int16(kmsg.Produce), 12)
	return v
}

// start runs a broker in this process, until the test's end.
func start(t *testing.T, dir string) (s *recovery.Store, addr string) {
	t.Helper()
	s, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, s.Cluster.ListenAddrs()[0]
}

// process is a broker in a process of its own.
type process struct {
	addr string
	cmd  *exec.Cmd
	over bool
}

func spawn(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(exe)}
	p.cmd.Env = append(append(os.Environ(), childDir+"="+dir), env...)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ok {
		t.Fatalf("child: got %q, %v; want its address", line, err)
	}
	p.addr = addr
	return p
}

// spawnRecovery runs a recovery without a broker.
func spawnRecovery(t *testing.T, dir string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(exe)}
	p.cmd.Env = append(os.Environ(), childRecovers+"="+dir)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// kill ends it as kill -9 does.
func (p *process) kill() { p.end(os.Kill) }

// stop ends it cleanly.
func (p *process) stop() { p.end(os.Interrupt) }

func (p *process) end(s os.Signal) {
	if !p.over {
		p.over = true
		_ = p.cmd.Process.Signal(s)
		_ = p.cmd.Wait() // says how it ended
	}
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func client(t *testing.T, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts = append([]kgo.Opt{
		kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.AllowAutoTopicCreation(), kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordDeliveryTimeout(10 * time.Second), kgo.RetryTimeout(10 * time.Second),
	}, opts...)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func produce(t *testing.T, cl *kgo.Client, topic string, partition int32, values ...string) {
	t.Helper()
	for _, v := range values {
		if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: topic, Partition: partition, Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatalf("produce %q: %v", v, err)
		}
	}
}

// read gives the values of a partition, up to its end.
func read(t *testing.T, addr, topic string, partition int32, from int64, level kgo.IsolationLevel) []string {
	t.Helper()
	cl := client(t, addr, kgo.FetchIsolationLevel(level), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		topic: {partition: kgo.NewOffset().At(from)},
	}), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	defer cl.Close()
	end := ends(t, addr, topic, partition)[1]
	var values []string
	for at := from; at < end; {
		fetches := cl.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatalf("read %s-%d at %d of %d: %v", topic, partition, at, end, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			at = r.Offset + 1
			if !r.Attrs.IsControl() {
				values = append(values, string(r.Value))
			}
		})
	}
	return values
}

// ends are where a partition begins and ends, and the last stable offset.
func ends(t *testing.T, addr, topic string, partition int32) [3]int64 {
	t.Helper()
	cl := client(t, addr)
	defer cl.Close()
	var all [3]int64
	for i, timestamp := range []int64{-2, -1, -1} {
		req := kmsg.NewPtrListOffsetsRequest()
		req.IsolationLevel = int8(i / 2)
		rt := kmsg.NewListOffsetsRequestTopic()
		rt.Topic = topic
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = partition, timestamp
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		answers := cl.RequestSharded(testContext(t), req)
		if answers[0].Err != nil {
			t.Fatal(answers[0].Err)
		}
		all[i] = answers[0].Resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].Offset
	}
	return all
}

// copyDir copies a data directory, with the times of its files.
func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return errors.Join(os.WriteFile(target, data, 0o600), os.Chtimes(target, time.Time{}, info.ModTime()))
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
