// Package respond writes the dashboard's answers that are not an operation's of its API.
package respond

import (
	"encoding/json"
	"net/http"
)

// problem is the body of an error (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// StatusClientGone is nginx's for a request whose client has left before its answer.
const StatusClientGone = 499

// Problem answers with an error that a person may read.
func Problem(w http.ResponseWriter, status int, detail string) {
	title := http.StatusText(status)
	if status == StatusClientGone {
		title = "Client Closed Request"
	}
	body, err := json.Marshal(problem{title, status, detail})
	if err != nil {
		body = []byte(`{"title":"Internal Server Error","status":500}`)
	}
	write(w, status, "application/problem+json", body)
}

// JSON answers 200 with v.
func JSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		Problem(w, http.StatusInternalServerError, "the answer could not be encoded")
		return
	}
	write(w, http.StatusOK, "application/json", body)
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails where the client has left
}
