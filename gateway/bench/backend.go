package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

// backend is a server that costs as little as it can: it answers /N with N bytes.
// It reads no more of HTTP than the proxies send.
func backend(context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() { // ends with its parent
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = l.Close()
	}()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go answer(c)
	}
}

func answer(c net.Conn) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReaderSize(c, 32<<10)
	answers := make(map[int][]byte)
	for {
		size, body, chunked, upgrade, err := readHead(r)
		if err != nil {
			return
		}
		if upgrade {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
			_, _ = io.Copy(c, r)
			return
		}
		if chunked {
			_, err = skipChunks(r)
		} else {
			_, err = r.Discard(body)
		}
		if err != nil {
			return
		}
		text, ok := answers[size]
		if !ok {
			text = append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", size),
				bytes.Repeat([]byte("x"), size)...)
			answers[size] = text
		}
		if _, err := c.Write(text); err != nil {
			return
		}
	}
}

func readHead(r *bufio.Reader) (size, body int, chunked, upgrade bool, err error) {
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, 0, false, false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(line) == 0:
			return size, body, chunked, upgrade, nil
		case first:
			_, path, _ := bytes.Cut(line, []byte(" /"))
			path, _, _ = bytes.Cut(path, []byte(" "))
			size, _ = strconv.Atoi(string(path[bytes.LastIndexByte(path, '/')+1:]))
		case hasName(line, "content-length:"):
			body, _ = strconv.Atoi(string(bytes.TrimSpace(line[len("content-length:"):])))
		case hasName(line, "transfer-encoding:"):
			chunked = true
		case hasName(line, "upgrade:"):
			upgrade = true
		}
	}
}

func hasName(line []byte, name string) bool {
	return len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name))
}

// skipChunks reads a chunked body, and gives its length.
func skipChunks(r *bufio.Reader) (total int, err error) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return total, err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return total, err
		}
		if _, err := r.Discard(int(n) + 2); err != nil {
			return total, err
		}
		if n == 0 {
			return total, nil
		}
		total += int(n)
	}
}
