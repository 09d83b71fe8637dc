package host

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// StatusClientClosedRequest is the status of a request whose client has disconnected before
// the response: nginx's number, which the gateway uses too.
const StatusClientClosedRequest = 499

// ReadBody reads a request's body of at most limit bytes, for handlers that read it
// themselves. It returns the problem to answer with, else nil: 400 where the body broke off,
// 408 where it did not come in time, 413 where it is longer.
func ReadBody(body io.Reader, limit int64) ([]byte, *Problem) {
	raw, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, bodyProblem(err)
	}
	if int64(len(raw)) > limit {
		return nil, newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", limit))
	}
	return raw, nil
}

// bodyProblem returns the problem of a request whose body could not be read for err.
func bodyProblem(err error) *Problem {
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return newProblem(http.StatusRequestTimeout, "the body did not come in time")
	}
	return newProblem(http.StatusBadRequest, "the body is malformed or broke off")
}

// unreadBody is huma's detail of a body that it could not read, with status 500: but for one
// that is late, which it reports as such, the client has caused that.
const unreadBody = "cannot read request body"
