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
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker"
	"axion/services/clustertest"
)

const (
	directory = "AXION_BENCH_BROKER"  // of the broker that the process is to be
	profile   = "AXION_BENCH_PROFILE" // where its CPU profile goes
	rounds    = 5
	volume    = 200 << 20 // bytes written, and read in each round
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(directory); dir != "" {
		if err := serve(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve runs a broker until its standard input ends.
func serve(dir string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b, err := broker.Start(context.Background(), broker.Options{Listener: l, Dir: dir, RetentionBytes: -1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if path := os.Getenv(profile); path != "" {
		file, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Println(b.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
	return b.Close()
}

// server is one of the two.
type server struct {
	addr string
	pid  int
}

// servers are the embedded broker and Apache Kafka.
func servers(b *testing.B) []server {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), directory+"="+b.TempDir()), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	addr, pid := clustertest.StartServerKafka(b)
	return []server{{strings.TrimSpace(line), cmd.Process.Pid}, {addr, pid}}
}

// cpu is what the processes below this one, and it, have used.
func (s server) cpu(b *testing.B) time.Duration {
	const tick = 10 * time.Millisecond
	sum := time.Duration(0)
	for pids := []string{strconv.Itoa(s.pid)}; len(pids) > 0; pids = pids[1:] {
		at := filepath.Join("/proc", pids[0])
		text, err := os.ReadFile(filepath.Join(at, "stat"))
		if err != nil {
			continue // ended
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
		for _, field := range fields[11:13] { // user, system
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			sum += time.Duration(n) * tick
		}
		tasks, err := filepath.Glob(filepath.Join(at, "task", "*", "children"))
		if err != nil {
			b.Fatal(err)
		}
		for _, task := range tasks {
			if children, err := os.ReadFile(task); err == nil {
				pids = append(pids, strings.Fields(string(children))...)
			}
		}
	}
	return sum
}

// compare has both do the same in turn, and reports ratios of what it took. The first
// round warms up.
func compare(b *testing.B, all []server, do func(server)) {
	b.Helper()
	var took, used [2][]float64
	for round := range rounds + 1 {
		for i, s := range all {
			start, before := time.Now(), s.cpu(b)
			do(s)
			if round > 0 {
				took[i], used[i] = append(took[i], time.Since(start).Seconds()), append(used[i], (s.cpu(b)-before).Seconds())
			}
		}
	}
	ratio := func(list [2][]float64, invert bool) float64 {
		var all []float64
		for i := range list[0] {
			if invert {
				all = append(all, list[1][i]/list[0][i])
			} else {
				all = append(all, list[0][i]/max(list[1][i], 0.01))
			}
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	b.ReportMetric(ratio(took, true), "rate-ratio")
	b.ReportMetric(ratio(used, false), "cpu-ratio")
	for i, name := range []string{"embedded", "kafka"} {
		slices.Sort(used[i])
		b.ReportMetric(used[i][rounds/2], name+"-cpu-s")
	}
	b.ReportMetric(0, "ns/op")
}

func BenchmarkConsume(b *testing.B) {
	for _, size := range []int{200, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			all, n := servers(b), volume/size
			for _, s := range all {
				write(b, s, n, size)
			}
			compare(b, all, func(s server) { read(b, s, n) })
		})
	}
}

func BenchmarkProduce(b *testing.B) {
	for _, size := range []int{200, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			compare(b, servers(b), func(s server) { write(b, s, volume/size/4, size) })
		})
	}
}

// BenchmarkIdle has 60 consumers wait for records that do not come.
func BenchmarkIdle(b *testing.B) {
	all := servers(b)
	for _, s := range all {
		write(b, s, 1, 100)
		for range 60 {
			c := client(b, s, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))
			go func() { _ = c.PollFetches(b.Context()) }() // until the client closes
		}
	}
	compare(b, all, func(server) { time.Sleep(3 * time.Second) })
}

const topic = "bench"

func client(b *testing.B, s server, opts ...kgo.Opt) *kgo.Client {
	b.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(s.addr), kgo.AllowAutoTopicCreation())...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}

func write(b *testing.B, s server, n, size int) {
	b.Helper()
	c := client(b, s, kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(20_000))
	value := bytes.Repeat([]byte("x"), size)
	for range n {
		c.Produce(b.Context(), &kgo.Record{Topic: topic, Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	if err := c.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	c.Close()
}

func read(b *testing.B, s server, n int) {
	b.Helper()
	c := client(b, s, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for got := 0; got < n; {
		fetches := c.PollFetches(b.Context())
		if err := fetches.Err(); err != nil {
			b.Fatal(err)
		}
		got += fetches.NumRecords()
	}
	c.Close()
}
