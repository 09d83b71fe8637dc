package web

import (
	"encoding/json"
	"net/http"
)

// problemDetails is the body of an error (RFC 9457).
type problemDetails struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// statusClientGone is nginx's for a request whose client has left before its answer.
const statusClientGone = 499

// writeProblem answers with an error that a person may read.
func writeProblem(w http.ResponseWriter, status int, detail string) {
	title := http.StatusText(status)
	if status == statusClientGone {
		title = "Client Closed Request"
	}
	body, err := json.Marshal(problemDetails{title, status, detail})
	if err != nil {
		body = []byte(`{"title":"Internal Server Error","status":500}`)
	}
	writeBody(w, status, "application/problem+json", body)
}

// writeJSON answers 200 with v.
func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		writeProblem(w, http.StatusInternalServerError, "the answer could not be encoded")
		return
	}
	writeBody(w, http.StatusOK, "application/json", body)
}

func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the peer has left: there is nobody to tell
}
