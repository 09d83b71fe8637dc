package middleware

import (
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encoder compresses into the writer that it was last reset to.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

const (
	brotliLevel = 4 // two thirds of the default level's work, for 7 % more bytes
	// zstdWindow bounds an encoder's memory; browsers take up to 8 MiB.
	zstdWindow = 512 << 10
)

// encoders are shared by all middlewares: one holds up to some megabytes.
var encoders = [codings]sync.Pool{
	codingGzip:   {New: func() any { return gzip.NewWriter(nil) }},
	codingBrotli: {New: func() any { return brotli.NewWriterLevel(nil, brotliLevel) }},
	codingZstd: {New: func() any {
		// One at a time, or it would start goroutines.
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return w
	}},
}
