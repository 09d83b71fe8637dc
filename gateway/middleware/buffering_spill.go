package middleware

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// errBodyTooLarge says that a body is larger than it may be.
var errBodyTooLarge = errors.New("the body is too large")

// spill keeps a body in memory and, from a size on, in a temporary file, which
// does not outlive it.
type spill struct {
	memory int64 // bytes kept in memory
	limit  int64 // bytes in all; 0 means no limit

	head bytes.Buffer
	file *os.File // nil until there is more
	size int64
}

// Write fails with errBodyTooLarge, and keeps nothing of p, beyond the limit.
func (s *spill) Write(p []byte) (int, error) {
	if s.limit > 0 && s.size+int64(len(p)) > s.limit {
		return 0, errBodyTooLarge
	}
	n, err := s.write(p)
	s.size += int64(n)
	return n, err
}

func (s *spill) write(p []byte) (int, error) {
	room := int(max(0, min(s.memory-int64(s.head.Len()), int64(len(p)))))
	s.head.Write(p[:room])
	if room == len(p) {
		return room, nil
	}
	if s.file == nil {
		file, err := os.CreateTemp("", "axion-body-*")
		if err != nil {
			return room, err
		}
		s.file = file
		// Where the system allows it the name goes now, so that not even a crash
		// leaves the file behind.
		_ = os.Remove(file.Name())
	}
	n, err := s.file.Write(p[room:])
	return room + n, err
}

// reader reads the body from its start. It is not to be used beside another.
func (s *spill) reader() (io.Reader, error) {
	head := bytes.NewReader(s.head.Bytes())
	if s.file == nil {
		return head, nil
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.MultiReader(head, s.file), nil
}

// close removes the file, if there is one.
func (s *spill) close() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
		s.file = nil
	}
}
