package message

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	// ErrClosed is the error of what was under way when the bus was closed.
	ErrClosed = errors.New("bus is closed")
	// ErrTooLarge is the error of a message that no broker with Kafka's default
	// settings would take: more than [MaxMessage] bytes.
	ErrTooLarge = errors.New("message too large")

	// ErrExpired is the error of a request that was not handled, since its sender had
	// stopped waiting for the answer when its turn came: it has changed nothing. As a
	// [RemoteError] it is what the other side says; then the clocks of the two differ.
	ErrExpired = errors.New("the request expired before its turn came")

	// ErrNoHandler is the error of a message of a type that has no handler.
	ErrNoHandler = errors.New("no handler for type")
	// ErrUnfinished is the error of a request that expired while it was handled.
	ErrUnfinished = errors.New("the request expired before it was done")
)

// InternalError is the text that a caller gets for an error that is not public.
const InternalError = "Internal server error"

// NoMatchingHandler is the text of a NestJS server that has no handler; its clients look for it.
const NoMatchingHandler = "There is no matching message handler defined in the remote service."

// Permanent marks an error that another attempt would meet again: an event becomes
// a dead letter at once. A request is answered with the error's text, so it
// must be fit for the caller. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// Retriable marks the error of a request's handler as worth another try, with
// the same backoff as an event has; the caller is answered after the last one.
// Events are tried again without it. Retriable(nil) is nil.
func Retriable(err error) error {
	if err == nil {
		return nil
	}
	return &retriableError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string  { return e.err.Error() }
func (e *permanentError) Unwrap() error  { return e.err }
func (e *permanentError) Public() string { return e.err.Error() }

type retriableError struct{ err error }

func (e *retriableError) Error() string { return e.err.Error() }
func (e *retriableError) Unwrap() error { return e.err }

// IsPermanent reports whether an error is marked by [Permanent].
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// IsRetriable reports whether an error is marked by [Retriable], and not by [Permanent].
func IsRetriable(err error) bool {
	var r *retriableError
	return errors.As(err, &r) && !IsPermanent(err)
}

// RemoteError is the error that a service answered a request with.
type RemoteError struct {
	Topic, Service, Type string
	// Message is the error's text, as the service chose to expose it.
	Message string
	// Body is the whole answer as it came: mostly a JSON object.
	Body string
}

// Error names the service and what it was asked.
func (e *RemoteError) Error() string {
	return fmt.Sprintf("%s on %s: %s answered: %s", e.Type, e.Topic, ResponderName(e.Service), e.Message)
}

// Public is the text for the caller's own callers: the service's message.
func (e *RemoteError) Public() string { return e.Message }

// Is reports whether the request was dropped, for [errors.Is] with [ErrExpired].
func (e *RemoteError) Is(target error) bool {
	return target == ErrExpired && strings.HasPrefix(e.Message, ErrExpired.Error())
}

// Refused reports whether the service answered with a reason of its own, as
// opposed to having failed, or having no handler for the request.
func (e *RemoteError) Refused() bool {
	return e.Message != InternalError && e.Message != NoMatchingHandler
}

// NewRemoteError reads an error header: an object with a message, or a text.
func NewRemoteError(topic, service, typ, body string) *RemoteError {
	e := &RemoteError{Topic: topic, Service: service, Type: typ, Message: body, Body: body}
	var object struct {
		Message string `json:"message"`
	}
	if json.Unmarshal([]byte(body), &object) == nil && object.Message != "" {
		e.Message = object.Message
	}
	return e
}

// TimeoutError is the error of a request that nobody answered in time.
type TimeoutError struct {
	Topic, Service, Type string
	// After is how long the request waited.
	After time.Duration
	// Accepted says whether the broker had acknowledged the request: if not,
	// the broker was out of reach, not the service.
	Accepted bool
}

// Error names the topic and who did not answer on it.
func (e *TimeoutError) Error() string {
	who := ResponderName(e.Service) + " did not answer"
	if !e.Accepted {
		who = "the broker did not accept the request"
	}
	return fmt.Sprintf("%s on %s: %s within %s", e.Type, e.Topic, who, e.After.Round(time.Millisecond))
}

// Public is the same text: it holds nothing that a caller may not know.
func (e *TimeoutError) Public() string { return e.Error() }

// Hint says what to look at.
func (e *TimeoutError) Hint() string {
	if !e.Accepted {
		return "check that the broker is running"
	}
	return fmt.Sprintf("check that %s is running and consumes %s", ResponderName(e.Service), e.Topic)
}

// Timeout is true, as it is for a [net.Error].
func (e *TimeoutError) Timeout() bool { return true }

// Unwrap makes it a [context.DeadlineExceeded].
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// ConnectError is the error of opening a bus where no broker answers.
type ConnectError struct {
	Service string
	Brokers []string
	Err     error
}

// Error names the addresses that were tried.
func (e *ConnectError) Error() string {
	return fmt.Sprintf("open bus of %s: no usable broker at %s: %v", e.Service, strings.Join(e.Brokers, ", "), e.Err)
}

// Unwrap gives the last failure.
func (e *ConnectError) Unwrap() error { return e.Err }

// Hint says what to look at.
func (e *ConnectError) Hint() string {
	return "start the broker, or correct its address (--kafka, --brokers)"
}

// ResponderName names the service that answers, for an error's text, also where it is not known.
func ResponderName(service string) string {
	if service == "" {
		return "its consumer"
	}
	return service
}
