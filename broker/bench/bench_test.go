// Package bench compares the embedded broker with Apache Kafka.
package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker"
)

const role = "AXION_BENCH_BROKER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(role); dir != "" {
		serve(dir)
		return
	}
	os.Exit(m.Run())
}

func serve(dir string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	b, err := broker.Start(context.Background(), broker.Options{Listener: l, Dir: dir, RetentionBytes: -1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	stop := profile()
	fmt.Println(b.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	_ = b.Close()
}

func embedded(b *testing.B) (addr string, pid int) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+b.TempDir())
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid
}

func cpu(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	u, _ := strconv.ParseInt(f[11], 10, 64)
	s, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(u+s) * 10 * time.Millisecond
}

func fill(b *testing.B, addr, topic string, n, size int) {
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(20000))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	value := bytes.Repeat([]byte("x"), size)
	for range n {
		c.Produce(context.Background(), &kgo.Record{Topic: topic, Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	if err := c.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
}

func consume(b *testing.B, addr, topic string, n int) time.Duration {
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	start := time.Now()
	for got := 0; got < n; {
		f := c.PollFetches(context.Background())
		if err := f.Err(); err != nil {
			b.Fatal(err)
		}
		got += f.NumRecords()
	}
	return time.Since(start)
}

func BenchmarkConsume(b *testing.B) {
	type at struct {
		name, addr string
		pid        int
	}
	var all []at
	a, p := embedded(b)
	all = append(all, at{"embedded", a, p})
	if k := os.Getenv("KAFKA"); k != "" {
		addr, pid, _ := strings.Cut(k, "/")
		n, _ := strconv.Atoi(pid)
		all = append(all, at{"kafka", addr, n})
	}
	for _, size := range []int{200, 1000} {
		n := 400_000_000 / size / 2
		topic := fmt.Sprint("t", size)
		for _, x := range all {
			start, before := time.Now(), cpu(x.pid)
			fill(b, x.addr, topic, n, size)
			took := time.Since(start)
			fmt.Printf("%-9s produce %4d B: %6.0f MB/s %8.0f rec/s cpu %.2fs\n", x.name, size, float64(n*size)/1e6/took.Seconds(), float64(n)/took.Seconds(), (cpu(x.pid) - before).Seconds())
		}
		for range 4 {
			for _, x := range all {
				before := cpu(x.pid)
				took := consume(b, x.addr, topic, n)
				fmt.Printf("%-9s consume %4d B: %6.0f MB/s %8.0f rec/s cpu %.2fs\n", x.name, size, float64(n*size)/1e6/took.Seconds(), float64(n)/took.Seconds(), (cpu(x.pid) - before).Seconds())
			}
		}
	}
}
