// Package spool keeps bodies that are read more than once: in memory and, from a size
// on, in a temporary file.
package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// DefaultMemory is how many bytes of a body are kept in memory by default.
const DefaultMemory = 1 << 20

// ErrTooLarge says that a body is larger than it may be.
var ErrTooLarge = errors.New("the body is too large")

// ErrUnreadable is that of a request's body which cannot be read to its end.
var ErrUnreadable = errors.New("the request's body cannot be read")

// Buffer keeps what is written to it. The zero value keeps all in a file. It is to be
// closed, and written to by one goroutine only.
type Buffer struct {
	// Memory is how many bytes are kept in memory. The rest is in a file, which does
	// not outlive the buffer.
	Memory int64
	// Limit of the bytes in all; 0 means none.
	Limit int64

	head bytes.Buffer
	file *os.File // nil until there is more
	size int64
}

// Write fails with [ErrTooLarge], and keeps nothing of p, beyond the limit.
func (b *Buffer) Write(p []byte) (int, error) {
	if b.Limit > 0 && b.size+int64(len(p)) > b.Limit {
		return 0, ErrTooLarge
	}
	n, err := b.write(p)
	b.size += int64(n)
	return n, err
}

func (b *Buffer) write(p []byte) (int, error) {
	room := int(max(0, min(b.Memory-int64(b.head.Len()), int64(len(p)))))
	b.head.Write(p[:room])
	if room == len(p) {
		return room, nil
	}
	if b.file == nil {
		file, err := os.CreateTemp("", "axion-body-*")
		if err != nil {
			return room, err
		}
		b.file = file
		// Where the system allows it the name goes now, so that not even a crash
		// leaves the file behind.
		_ = os.Remove(file.Name())
	}
	n, err := b.file.Write(p[room:])
	return room + n, err
}

// Size is how many bytes are kept.
func (b *Buffer) Size() int64 { return b.size }

// Reader reads all that is kept from its start. Several may be used at once, but none
// once the buffer is closed.
func (b *Buffer) Reader() io.Reader {
	head := bytes.NewReader(b.head.Bytes())
	if b.file == nil {
		return head
	}
	return io.MultiReader(head, io.NewSectionReader(b.file, 0, b.size-int64(b.head.Len())))
}

// Close removes the file, if there is one.
func (b *Buffer) Close() {
	if b.file != nil {
		_ = b.file.Close()
		_ = os.Remove(b.file.Name())
		b.file = nil
	}
}
