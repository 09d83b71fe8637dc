package middleware

import (
	"encoding/base64"
	"errors"
	"io"
)

// textBody decodes base64 that may be padded not only at its end: clients encode
// each part by itself.
type textBody struct {
	io.ReadCloser
	raw   []byte // not decoded yet, without line breaks
	ready []byte // decoded, not read yet
	err   error
}

// Read decodes what has come.
func (t *textBody) Read(p []byte) (int, error) {
	for len(t.ready) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		var part [4 << 10]byte
		n, err := t.ReadCloser.Read(part[:])
		for _, c := range part[:n] {
			if c != '\r' && c != '\n' {
				t.raw = append(t.raw, c)
			}
		}
		t.decode()
		if t.err == nil && err != nil {
			t.err = err
			if errors.Is(err, io.EOF) && len(t.raw) > 0 {
				t.err = io.ErrUnexpectedEOF
			}
		}
	}
	n := copy(p, t.ready)
	t.ready = t.ready[n:]
	return n, nil
}

// decode takes whole groups of four characters.
func (t *textBody) decode() {
	t.ready = t.ready[:0]
	for len(t.raw) >= 4 && t.err == nil {
		end := 4
		for end+4 <= len(t.raw) && t.raw[end-1] != '=' {
			end += 4
		}
		var err error
		if t.ready, err = base64.StdEncoding.AppendDecode(t.ready, t.raw[:end]); err != nil {
			t.err = err
		}
		t.raw = t.raw[end:]
	}
}
