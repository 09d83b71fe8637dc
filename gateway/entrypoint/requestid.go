package entrypoint

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
)

const (
	requestIDHeader = "X-Request-Id"
	maxRequestID    = 128 // bytes
)

// setRequestID gives a request an id, unless the client gave it one that can be
// written into a log as it is, and sends it to both sides.
func setRequestID(w http.ResponseWriter, r *http.Request) {
	values := r.Header[requestIDHeader]
	if len(values) != 1 || !validRequestID(values[0]) {
		var raw [16]byte // an id, not a secret
		binary.LittleEndian.PutUint64(raw[:8], rand.Uint64())
		binary.LittleEndian.PutUint64(raw[8:], rand.Uint64())
		var text [2 * len(raw)]byte
		hex.Encode(text[:], raw[:])
		values = []string{string(text[:])}
		r.Header[requestIDHeader] = values
	}
	w.Header()[requestIDHeader] = values
}

func validRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' || id[i] == '"' || id[i] == '\\' {
			return false
		}
	}
	return true
}
