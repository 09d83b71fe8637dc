package stacktest_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
	"axion/web/stacktest"
)

// report adds the median and the 99th percentile of some times to a benchmark.
func report(b *testing.B, name string, times []time.Duration) {
	slices.Sort(times)
	at := func(q float64) float64 {
		return float64(times[int(q*float64(len(times)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), name+"-p50-ms")
	b.ReportMetric(at(0.99), name+"-p99-ms")
}

// BenchmarkStart measures the built program on a warm cache, from exec to its
// word that every part is healthy.
func BenchmarkStart(b *testing.B) {
	var ready []time.Duration
	for b.Loop() {
		began := time.Now()
		p := stacktest.Launch(b, binary)
		ready = append(ready, time.Since(began))
		b.StopTimer()
		p.Stop(b)
		b.StartTimer()
	}
	report(b, "ready", ready)
}

// BenchmarkFlow measures the main flow through the gateway and TLS: from the POST
// to DEPLOYMENT_STARTED on the WebSocket, and on to DEPLOYMENT_SUCCEEDED with the
// site answering. It reports the memory of the process after ten flows too.
func BenchmarkFlow(b *testing.B) {
	s := stacktest.Launch(b, binary)
	ws := s.WebSocket(b, "/ws?token="+s.Token)
	var started, succeeded []time.Duration
	flow := func(n int) {
		began := time.Now()
		p := s.Create(b, "", "flow "+strconv.Itoa(n), "")
		ws.ReadUntil(b, p.ID, contract.DeploymentStarted)
		started = append(started, time.Since(began))
		ws.ReadUntil(b, p.ID, contract.DeploymentSucceeded)
		if page := s.Get(b, s.URL(p.Slug+"."+contract.AppsDomain, "/")); page.Status != 200 {
			b.Fatalf("site: got %d", page.Status)
		}
		succeeded = append(succeeded, time.Since(began))
	}
	for n := range 10 {
		flow(n)
	}
	memory := memoryOf(b, s.Cmd.Process.Pid, "VmRSS:")
	started, succeeded = nil, nil
	for n := 10; b.Loop(); n++ {
		flow(n)
	}
	report(b, "started", started)
	report(b, "succeeded", succeeded)
	if memory > 0 {
		b.ReportMetric(memory, "resident-MB")
	}
}

// BenchmarkMemory publishes 5 GB of events of 1 KB, each time, and reports the memory of
// the process after it, and at its highest.
func BenchmarkMemory(b *testing.B) {
	const size, all = 1 << 10, 5_000_000_000
	s := stacktest.Launch(b, binary)
	client := s.Kafka(b, kgo.ProducerBatchCompression(kgo.NoCompression()))
	value := bytes.Repeat([]byte("x"), size)
	b.SetBytes(all)
	var lost atomic.Int64
	for b.Loop() {
		for range all / size {
			client.Produce(b.Context(), &kgo.Record{Topic: contract.EventsTopic, Value: value}, func(_ *kgo.Record, err error) {
				if err != nil {
					lost.Add(1)
				}
			})
		}
		if err := client.Flush(b.Context()); err != nil || lost.Load() > 0 {
			b.Fatalf("%d events not acknowledged, %v", lost.Load(), err)
		}
	}
	b.ReportMetric(memoryOf(b, s.Cmd.Process.Pid, "VmRSS:"), "resident-MB")
	b.ReportMetric(memoryOf(b, s.Cmd.Process.Pid, "VmHWM:"), "peak-MB")
}

// memoryOf is what the system reports of a process's memory, in megabytes; 0 where it does
// not.
func memoryOf(b *testing.B, pid int, what string) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == what {
			kb, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb / 1000
		}
	}
	return 0
}
