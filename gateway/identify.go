package gateway

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
)

const (
	requestID    = "X-Request-Id"
	maxRequestID = 128 // bytes
)

// identify gives a request an id, unless the client gave it one that can be
// written into a log as it is, and tells it to both sides.
func identify(w http.ResponseWriter, r *http.Request) {
	values := r.Header[requestID]
	if len(values) != 1 || !plainID(values[0]) {
		var raw [16]byte // an id, not a secret
		binary.LittleEndian.PutUint64(raw[:8], rand.Uint64())
		binary.LittleEndian.PutUint64(raw[8:], rand.Uint64())
		var text [2 * len(raw)]byte
		hex.Encode(text[:], raw[:])
		values = []string{string(text[:])}
		r.Header[requestID] = values
	}
	w.Header()[requestID] = values
}

func plainID(id string) bool {
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
