package respwriter

import (
	"io"
	"sync"
)

const copySize = 64 << 10

var copies = sync.Pool{New: func() any { return new([copySize]byte) }}

// ReadFrom copies r to w by w's own ReadFrom, or else by a buffer. It is what
// writers that only watch do in their own ReadFrom; those that change what passes
// through them have none.
func ReadFrom(w io.Writer, r io.Reader) (int64, error) {
	if from, ok := w.(io.ReaderFrom); ok {
		return from.ReadFrom(r)
	}
	buffer := copies.Get().(*[copySize]byte)
	defer copies.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{w}, r, buffer[:])
}
