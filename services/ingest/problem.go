package ingest

import (
	"net/http"
	"strconv"

	"axion/services/contract"
	"axion/services/host"
)

// retryAfter is how long a client is to wait, in seconds, when the broker is
// away, or has too much to do.
const retryAfter = 1

const errOrigin = "a page from elsewhere must not publish events"

func closedTopic(topic string) string {
	return "topic " + strconv.Quote(topic) + " is not open to clients: commands, replies, dead letters and " +
		"internal topics are never reachable over HTTP; events go to " + contract.EventsTopic
}

func problem(status int, detail string) *host.Problem {
	return &host.Problem{Status: status, Title: http.StatusText(status), Detail: detail}
}
