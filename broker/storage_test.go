package broker

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/frame/frametest"
	"axion/broker/retention"
)

// disk is one that a test sets.
type disk struct {
	free     atomic.Uint64
	files    atomic.Uint64 // taken of 10,000
	readOnly atomic.Bool
}

func (d *disk) stat(string) (retention.Disk, error) {
	return retention.Disk{
		Free: d.free.Load(), Total: 100 << 30, Files: 10_000, FreeFiles: 10_000 - d.files.Load(), ReadOnly: d.readOnly.Load(),
	}, nil
}

// kinds are those of the problems there are.
func kinds(b *Broker) string {
	var all []string
	for _, p := range b.Problems() {
		all = append(all, p.Kind)
	}
	return strings.Join(all, " ")
}

// TestFullDisk: a full disk refuses records with Kafka's storage error, and takes
// them again by itself once there is room. Both are reported once.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	var l logs
	var d disk
	d.free.Store(50 << 30)
	b := start(t, Options{Log: l.logger(), retentionEvery: often, disk: d.stat, Topics: []string{"a"}})
	// A producer that does not try again.
	try := func() error {
		r := kgo.SliceRecord([]byte("v"))
		r.Topic = "a"
		cl := client(t, b, kgo.RecordRetries(0), kgo.RequestRetries(0), kgo.DisableIdempotentWrite(),
			kgo.RecordPartitioner(kgo.ManualPartitioner()))
		defer cl.Close()
		return cl.ProduceSync(testContext(t), r).FirstErr()
	}
	for range 2 { // it may come and go
		if err := try(); err != nil {
			t.Fatal(err)
		}
		d.free.Store(1 << 20)
		eventually(t, "records refused", func() bool { return errors.Is(try(), kerr.KafkaStorageError) })
		eventually(t, "it told", func() bool { return kinds(b) == "disk-full" })
		if err := HealthyNow(testContext(t), b); err == nil || !strings.Contains(err.Error(), "records are refused") {
			t.Errorf("health on a full disk: got %v", err)
		}
		// Commits go on.
		var o kadm.Offsets
		o.Add(kadm.Offset{Topic: "a", At: 1, LeaderEpoch: -1})
		if err := b.admin.Kadm().CommitAllOffsets(testContext(t), "g", o); err != nil {
			t.Errorf("commit: %v", err)
		}
		// An idempotent producer, which tries again, goes on where it was.
		sent := make(chan error, 1)
		go func() {
			cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
			if err == nil {
				err = cl.ProduceSync(testContext(t), kgo.KeyStringRecord("k", "v"), &kgo.Record{Topic: "a"}).FirstErr()
				cl.Close()
			}
			sent <- err
		}()
		d.free.Store(50 << 30)
		eventually(t, "records taken", func() bool { return try() == nil })
		eventually(t, "it told", func() bool { return kinds(b) == "" })
		if err := HealthyNow(testContext(t), b); err != nil {
			t.Errorf("health with room again: %v", err)
		}
		<-sent
	}
	if n := l.count("is full: records are refused"); n != 2 {
		t.Errorf("it is told %d times that the disk is full, want each of 2", n)
	}
	if n := l.count("records are taken"); n != 2 {
		t.Errorf("it is told %d times that it is not, want each of 2", n)
	}
}

// TestFullDiskNoAnswer: a producer that waits for no answer loses its connection,
// as with Kafka.
func TestFullDiskNoAnswer(t *testing.T) {
	t.Parallel()
	var d disk
	d.free.Store(50 << 30)
	b := start(t, Options{disk: d.stat, Topics: []string{"a"}})
	d.free.Store(1 << 20)
	req := frametest.Produce("a", []byte("records"))
	req.Acks = 0
	eventually(t, "a lost connection", func() bool {
		conn, err := net.Dial("tcp", b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write(frametest.Request(req)); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, err = conn.Read(make([]byte, 1))
		return errors.Is(err, io.EOF)
	})
}

// TestFullDiskAtStart: the error names the disk, and what helps.
func TestFullDiskAtStart(t *testing.T) {
	t.Parallel()
	var d disk
	_, err := Start(testContext(t),
		Options{Listener: listen(t, "127.0.0.1"), Dir: t.TempDir(), Topics: []string{"a"}, disk: d.stat, Log: slog.New(slog.DiscardHandler)})
	var full *fullError
	if !errors.As(err, &full) || full.Hint() == "" {
		t.Errorf("got %v, want that the disk is full", err)
	}
}

// TestLowDisk: a disk with little room is reported once, and again only after it had
// room.
func TestLowDisk(t *testing.T) {
	t.Parallel()
	var l logs
	var d disk
	d.free.Store(900 << 20)
	b := start(t, Options{Log: l.logger(), retentionEvery: often, disk: d.stat})
	for i := range 2 {
		eventually(t, "it told", func() bool { return kinds(b) == "disk-low" })
		for _, free := range []uint64{1100 << 20, 800 << 20, 1200 << 20} { // near the limit it is one and the same
			d.free.Store(free)
			settle(t, b, "a")
		}
		if n := l.count(" left"); n != i+1 {
			t.Errorf("it is told %d times, want %d", n, i+1)
		}
		d.free.Store(2 << 30)
		eventually(t, "it over", func() bool { return kinds(b) == "" })
		d.free.Store(900 << 20)
	}
}

// TestSmallDisk fills a real disk: nothing that was acknowledged is lost, and once
// there is room the broker goes on.
func TestSmallDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("needs root and mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	b := start(t, Options{Dir: dir, retentionEvery: often, Topics: []string{"a"}, Partitions: 1})
	cl := client(t, b, kgo.UnknownTopicRetries(0), kgo.RecordDeliveryTimeout(time.Second), kgo.ProducerBatchCompression(kgo.NoCompression()))
	acknowledged := 0
	write := func() error {
		r := &kgo.Record{Topic: "a", Value: make([]byte, 256<<10)}
		err := cl.ProduceSync(testContext(t), r).FirstErr()
		if err == nil {
			acknowledged++
		}
		return err
	}
	for write() == nil {
	}
	if acknowledged < 40 {
		t.Errorf("%d records of 256 KiB were taken, want most of the disk used", acknowledged)
	}
	// Another program takes what is left.
	filler := filepath.Join(dir, "filler")
	_ = writeUntilFull(filler)
	if err := write(); err == nil {
		t.Error("a record was taken by a full disk")
	}
	var o kadm.Offsets
	o.Add(kadm.Offset{Topic: "a", At: 3, LeaderEpoch: -1})
	commit := func() error { return b.admin.Kadm().CommitAllOffsets(testContext(t), "g", o) }
	refused := commit() // where the other program took the room that is kept for commits too
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if refused != nil {
		eventually(t, "a commit taken", func() bool { return commit() == nil })
	}
	full := offsets(b, "a")
	if full.End != int64(acknowledged) || full.Start != 0 {
		t.Errorf("got %+v, want all %d that were acknowledged", full, acknowledged)
	}
	if err := exec.Command("mount", "-o", "remount,size=96m", dir).Run(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "records taken", func() bool { return write() == nil })
	cl.Close()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = start(t, Options{Dir: dir})
	if got := offsets(b, "a"); got.End < int64(acknowledged) || got.Start != 0 {
		t.Errorf("after another start: got %+v, want all %d", got, acknowledged)
	}
	if got := committed(t, b, "g", "a", 0); got != 3 {
		t.Errorf("after another start: got offset %d committed, want 3", got)
	}
}

func writeUntilFull(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	for block := make([]byte, 64<<10); len(block) > 0; block = block[:len(block)/2] {
		for err = nil; err == nil; {
			_, err = file.Write(block)
		}
	}
	return err
}

// TestRefusing: a disk that takes no records says so at the first question, though nobody
// has written any: as one problem, by the health, and to clients (KIP-827). It says the
// opposite as soon as there is room.
func TestRefusing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		spoil      func(*disk)
		kind, says string
	}{
		{"Full", func(d *disk) { d.free.Store(15 << 20) }, retention.KindFull, "is full"},
		{"FullOfFiles", func(d *disk) { d.files.Store(9_999) }, retention.KindFull, "full of files"},
		{"ReadOnly", func(d *disk) { d.readOnly.Store(true) }, retention.KindReadOnly, "read-only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var d disk
			d.free.Store(50 << 30)
			b := start(t, Options{retentionEvery: time.Hour, disk: d.stat, Topics: []string{"a"}}) // nothing is looked at by itself
			cl := client(t, b)
			usable := func() int64 {
				shards := cl.RequestSharded(testContext(t), kmsg.NewPtrDescribeLogDirsRequest())
				if shards[0].Err != nil {
					t.Fatal(shards[0].Err)
				}
				return shards[0].Resp.(*kmsg.DescribeLogDirsResponse).Dirs[0].UsableBytes
			}
			for range 2 {
				c.spoil(&d)
				if got := usable(); got != 0 {
					t.Errorf("records may take %d bytes, want none", got)
				}
				if got := kinds(b); got != c.kind {
					t.Errorf("problems: got %q, want %q", got, c.kind)
				}
				if err := HealthyNow(testContext(t), b); err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("health: got %v, want that it %s", err, c.says)
				}
				d.free.Store(50 << 30)
				d.files.Store(0)
				d.readOnly.Store(false)
				if got := usable(); got < 49<<30 {
					t.Errorf("records may take %d bytes, want nearly 50 GiB", got)
				}
				if got := kinds(b); got != "" {
					t.Errorf("problems with room again: got %q", got)
				}
				if err := HealthyNow(testContext(t), b); err != nil {
					t.Errorf("health with room again: %v", err)
				}
			}
		})
	}
}
