package gateway

import (
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
		var raw [16]byte
		for i := 0; i < len(raw); i += 8 {
			n := rand.Uint64() // an id, not a secret
			for j := range 8 {
				raw[i+j] = byte(n >> (8 * j))
			}
		}
		values = []string{hex.EncodeToString(raw[:])}
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
