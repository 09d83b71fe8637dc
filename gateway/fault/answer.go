package fault

import (
	"encoding/json"
	"net/http"
)

// Header names the fault in the answer that it makes.
const Header = "X-Axion-Fault"

// problem is the body of an answer (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// answer answers the client with the error, and that it is one on purpose.
func answer(w http.ResponseWriter, r *http.Request, f Fault) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set(Header, f.String())
	w.WriteHeader(f.Status)
	if r.Method == http.MethodHead {
		return
	}
	_ = json.NewEncoder(w).Encode(problem{"about:blank", http.StatusText(f.Status), f.Status, // the client is gone: there is nobody to answer
		"a fault that was set on purpose answers for " + f.Target + "; it ends by itself, or on the dashboard's Faults page"})
}
