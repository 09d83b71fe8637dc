package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
)

// FuzzHead takes nothing for a head that net/http reads otherwise: what two readers
// understand differently is how answers are smuggled.
func FuzzHead(f *testing.F) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "HTTP/1.0 204 \r\n\r\n", "HTTP/1.1 404\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close, X\r\nx: 1\r\nX:2 \r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got head
		if err := readHead(bufio.NewReaderSize(bytes.NewReader(text), readSize), &got); err != nil {
			return
		}
		want, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), &http.Request{Method: "HEAD"})
		if err != nil {
			t.Fatalf("head %q: got %+v, and net/http refuses it: %v", text, got, err)
		}
		if got.status != want.StatusCode || got.length != want.ContentLength && want.ContentLength >= 0 {
			t.Fatalf("head %q: got %d with length %d, net/http %d with %d", text, got.status, got.length, want.StatusCode, want.ContentLength)
		}
		for _, field := range got.fields {
			if strings.ContainsAny(field.name+field.value, "\r\n\x00") {
				t.Fatalf("head %q: the field %+v could end a line", text, field)
			}
		}
	})
}

// FuzzChunks reads no body that net/http reads otherwise.
func FuzzChunks(f *testing.F) {
	for _, text := range []string{"2\r\nhi\r\n0\r\n\r\n", "A;x=y\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n", "00\r\n\r\n",
		"1\r\na\r\n1 \r\nb\r\n0\r\n\r\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := io.ReadAll(&chunks{r: bufio.NewReaderSize(bytes.NewReader(text), readSize)})
		if err != nil {
			return
		}
		want, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(text)))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("body %q: got %q, net/http %q, %v", text, got, want, err)
		}
	})
}
