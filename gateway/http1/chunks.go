package http1

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
)

const (
	maxChunkLine = 4 << 10  // bytes, extensions included
	maxTrailer   = 16 << 10 // bytes
)

// chunks reads a chunked body (RFC 9112, section 7.1). Extensions are passed over.
type chunks struct {
	r       *bufio.Reader
	left    int64
	begun   bool
	done    bool
	trailer []field
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.done {
		return 0, io.EOF
	}
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
		if c.done {
			return 0, io.EOF
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads the line before a chunk, and after the last the trailers.
func (c *chunks) next() error {
	if c.begun {
		var end [2]byte
		if _, err := io.ReadFull(c.r, end[:]); err != nil {
			return unexpected(err)
		}
		if end != [2]byte{'\r', '\n'} {
			return malformed("a chunk does not end where it should")
		}
	}
	c.begun = true
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return unexpected(err)
	}
	if len(line) > maxChunkLine || len(line) < 3 || line[len(line)-2] != '\r' {
		return malformed("a chunk's line is too long or does not end in CRLF")
	}
	size, extension, _ := strings.Cut(string(line[:len(line)-2]), ";")
	if strings.Contains(extension, "\r") {
		return malformed("a chunk's line holds a bare CR")
	}
	size = strings.TrimRight(size, " \t")
	n, err := strconv.ParseUint(size, 16, 63)
	if err != nil || size == "" || size[0] == '+' || strings.Contains(size, "_") {
		return malformed("a chunk's size is " + strconv.Quote(size))
	}
	if c.left = int64(n); n > 0 {
		return nil
	}
	c.done = true
	return c.trailers()
}

func (c *chunks) trailers() error {
	total := 0
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return unexpected(err)
		}
		if total += len(line); total > maxTrailer {
			return malformed("its trailers are larger than 16 KiB")
		}
		if len(line) < 2 || line[len(line)-2] != '\r' {
			return malformed("a trailer does not end in CRLF")
		}
		if len(line) == 2 {
			return nil
		}
		h := head{length: -1}
		if err := h.field(string(line[:len(line)-2])); err != nil {
			return err
		}
		c.trailer = append(c.trailer, h.fields...) // those that frame a body are left out
	}
}

// unexpected makes an end in the middle an error.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
