package clustertest

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// delayed forwards connections to a controller's port, and returns the port to dial. The
// metadata that a broker fetches arrives lag later; requests that it hands on to the
// controller are as fast as ever, so that it answers a change before it has learnt of it.
func delayed(t testing.TB, to int, lag time.Duration) int {
	t.Helper()
	port := freePort(t)
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		conns.Wait()
	})
	conns.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { forward(client, address(to), lag) })
		}
	})
	return port
}

// forward passes a broker's connection on, until either side ends.
func forward(client net.Conn, to string, lag time.Duration) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	head := make([]byte, 14) // size, key, version, correlation id, and the client id's length
	if _, err := io.ReadFull(client, head); err != nil {
		return
	}
	id := make([]byte, max(0, int16(binary.BigEndian.Uint16(head[12:]))))
	if _, err := io.ReadFull(client, id); err != nil {
		return
	}
	if !strings.HasPrefix(string(id), "raft-client") {
		lag = 0
	}
	if _, err := server.Write(append(head, id...)); err != nil {
		return
	}
	go func() {
		defer func() { _ = server.Close() }()
		_, _ = io.Copy(server, client)
	}()
	buf := make([]byte, 1<<20)
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		time.Sleep(lag)
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}
