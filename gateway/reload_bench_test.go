//go:build unix

package gateway_test

import (
	"context"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"axion/gateway"
)

// BenchmarkReload measures what it costs to put one changed fragment in force beside
// others, each with two routers as a deployed project has them: the CPU time of the
// process from the saved file to the route being live. The time that passes is mostly
// the pause in which more events are waited for.
func BenchmarkReload(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			dir := b.TempDir()
			fragments := filepath.Join(dir, "fragments")
			for i := range n {
				writeProject(b, fragments, strconv.Itoa(i), strconv.Itoa(i))
			}
			web, secure := port0(b), port0(b)
			g, err := gateway.New(gateway.Options{Web: web, WebSecure: secure, FragmentDir: fragments,
				CADir: filepath.Join(dir, "ca"), StateDir: filepath.Join(dir, "state")})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = g.Close(context.Background()) })
			g.Start()
			change := func(i int) {
				writeProject(b, fragments, "0", "changed-"+strconv.Itoa(i))
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				if err := g.WaitHost(ctx, "changed-"+strconv.Itoa(i)+".apps.localhost"); err != nil {
					b.Fatal(err)
				}
			}
			change(0) // once it watches
			b.ReportAllocs()
			changes, used := 0, cpuTime(b)
			for b.Loop() {
				changes++
				change(changes)
			}
			b.ReportMetric((cpuTime(b)-used).Seconds()*1000/float64(changes), "cpu-ms/op")
		})
	}
}

// cpuTime is what the process has used in user and system mode.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
