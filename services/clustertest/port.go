package clustertest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gofrs/flock"
)

// The ports of tests lie below those that a system gives to whoever asks for any
// (Linux's begin at 32768, IANA's at 49152): a server that comes back must find its
// own still free. Each process has a block of them.
const (
	firstPort = 20000
	blockSize = 100
	blocks    = 100
)

// ports are this process's block.
var ports struct {
	once  sync.Once
	lock  *flock.Flock // held until the process ends; one without a reference would be closed
	first int
	taken atomic.Int64
}

// claim finds a block that no other process has.
func claim() {
	for i := range blocks {
		lock := flock.New(filepath.Join(os.TempDir(), fmt.Sprintf("axion-test-ports-%d.lock", i)))
		if held, err := lock.TryLock(); err == nil && held { // another user's cannot be opened
			ports.lock, ports.first = lock, firstPort+i*blockSize
			return
		}
	}
}

// Port is a loopback port for a server of the test's own, which may come back to it.
func Port(t testing.TB) int {
	t.Helper()
	return freePort(t)
}

// freePort returns a loopback port without a listener, and that no other test gets.
func freePort(t testing.TB) int {
	t.Helper()
	ports.once.Do(claim)
	if ports.lock == nil {
		t.Fatal("other tests have all the ports")
	}
	for range blockSize {
		port := ports.first + int(ports.taken.Add(1))%blockSize
		l, err := net.Listen("tcp", address(port))
		if err != nil {
			continue // an earlier test's, or a program's that is no test
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatalf("all ports from %d to %d are taken", ports.first, ports.first+blockSize-1)
	return 0
}
