package host

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// StatusClientClosedRequest is the answer to a request whose client has left before it was
// done, which nobody may read: nginx's number, that the gateway has too.
const StatusClientClosedRequest = 499

// ReadBody reads a request's body of at most limit bytes, for handlers that huma reads
// none for. What keeps it from that is a problem to answer with, else nil: 400 where the
// body broke off, 408 where it did not come in time, 413 where it is longer.
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

// bodyProblem is the answer to a request whose body could not be read for err.
func bodyProblem(err error) *Problem {
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return newProblem(http.StatusRequestTimeout, "the body did not come in time")
	}
	return newProblem(http.StatusBadRequest, "the body is malformed or broke off")
}

// unreadBody is what huma says of a body that it could not read, with status 500: but for
// one that is late, which it knows, that is the client's doing.
const unreadBody = "cannot read request body"
