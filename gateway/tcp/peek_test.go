package tcp

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// hello is what a TLS client says first.
func hello(t testing.TB, name string, alpn ...string) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		_ = tls.Client(client, &tls.Config{ServerName: name, NextProtos: alpn, InsecureSkipVerify: true}).Handshake()
		client.Close()
	}()
	buf := make([]byte, maxHello)
	n, err := server.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// heard is what listen makes of a client that says parts and then no more.
func heard(parts ...[]byte) (clientHello, []byte, error) {
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer client.Close()
		for _, p := range parts {
			if _, err := client.Write(p); err != nil {
				return
			}
		}
	}()
	c := &conn{Conn: server}
	s, err := peekHello(c, false, peekTimeout)
	seen := slices.Clone(c.first)
	server.Close()
	<-done
	return s, seen, err
}

func TestListen(t *testing.T) {
	t.Parallel()
	whole := hello(t, "DB.localhost", "h2", "postgresql")
	// The same message in records of 100 bytes.
	var records []byte
	for part := range slices.Chunk(whole[5:], 100) {
		records = append(records, tlsRecord, 3, 1, 0, byte(len(part)))
		records = append(records, part...)
	}
	endless := slices.Repeat(append([]byte{tlsRecord, 3, 1, 1, 4, 1, 0, 255, 255}, make([]byte, 256)...), maxHello/256)
	var bytewise [][]byte
	for i := range whole {
		bytewise = append(bytewise, whole[i:i+1])
	}
	for _, tt := range []struct {
		name  string
		parts [][]byte
		tls   bool
		host  string
		err   error
	}{
		{"OK", [][]byte{whole}, true, "db.localhost", nil},
		{"OKBytes", bytewise, true, "db.localhost", nil},
		{"OKRecords", [][]byte{records}, true, "db.localhost", nil},
		{"OKMore", [][]byte{append(slices.Clone(whole), 1, 2, 3)}, true, "db.localhost", nil},
		{"OKNotTLS", [][]byte{[]byte("GET / HTTP/1.1\r\n")}, false, "", nil},
		{"OKNoHello", [][]byte{{tlsRecord, 3, 1, 0, 4, 2, 0, 0, 0}}, true, "", nil},
		{"ErrSilent", nil, false, "", io.EOF},
		{"ErrCut", [][]byte{whole[:50]}, true, "", io.EOF},
		{"ErrTooLong", [][]byte{endless}, true, "", errTooLong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, seen, err := heard(tt.parts...)
			if s.tls != tt.tls || s.name != tt.host || !errors.Is(err, tt.err) {
				t.Errorf("got %+v, %v; want TLS %t, host %q, %v", s, err, tt.tls, tt.host, tt.err)
			}
			if all := slices.Concat(tt.parts...); !bytes.HasPrefix(all, seen) {
				t.Error("the bytes read are not those sent")
			}
			if tt.host != "" && !slices.Equal(s.alpn, []string{"h2", "postgresql"}) {
				t.Errorf("got protocols %v", s.alpn)
			}
			if len(seen) > maxHello {
				t.Errorf("%d bytes are kept", len(seen))
			}
		})
	}
}

func TestListenDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer client.Close()
		defer server.Close()
		begun := time.Now()
		go func() { _, _ = client.Write([]byte{tlsRecord, 3}) }()
		_, err := peekHello(&conn{Conn: server}, true, peekTimeout)
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() || time.Since(begun) != peekTimeout {
			t.Errorf("got %v after %s, want a timeout after %s", err, time.Since(begun), peekTimeout)
		}
	})
}

func FuzzListen(f *testing.F) {
	f.Add(hello(f, "db.localhost", "h2"), 7)
	f.Add(hello(f, ""), 1)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), 3)
	f.Add(sslRequest, 2)
	f.Add([]byte{tlsRecord, 3, 1, 255, 255}, 1)
	f.Fuzz(func(t *testing.T, sent []byte, cut int) {
		cut = min(max(cut, 0), len(sent))
		s, seen, err := heard(sent[:cut], sent[cut:])
		if !bytes.HasPrefix(sent, seen) {
			t.Fatal("the bytes read are not those sent")
		}
		if err == nil && len(seen) == 0 {
			t.Fatal("nothing was read, and it is routed")
		}
		if s.tls && sent[0] != tlsRecord {
			t.Fatal("got TLS of what is not")
		}
	})
}
