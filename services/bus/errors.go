package bus

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

	errNoHandler  = errors.New("no handler for type")
	errUnfinished = errors.New("the request expired before it was done")
	errStopped    = errors.New("partition was given up")
)

// MaxMessage is the most that a message's data, key and type may have
// together, in bytes. It leaves room for the headers of a dead letter below
// Kafka's default limit of 1,048,588.
const MaxMessage = 1_000_000

// noMatchingHandler is what a NestJS server answers; its clients look for it.
const noMatchingHandler = "There is no matching message handler defined in the remote service."

// Permanent marks an error that trying again would not fix: an event goes to
// the dead letters at once. A request is answered with the error's text, so it
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

func isPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

func isRetriable(err error) bool {
	var r *retriableError
	return errors.As(err, &r) && !isPermanent(err)
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
	return fmt.Sprintf("%s on %s: %s answered: %s", e.Type, e.Topic, named(e.Service), e.Message)
}

// Public is the text for those who asked us: what the service said.
func (e *RemoteError) Public() string { return e.Message }

// Is tells that the request was dropped, for [errors.Is] with [ErrExpired].
func (e *RemoteError) Is(target error) bool {
	return target == ErrExpired && strings.HasPrefix(e.Message, ErrExpired.Error())
}

// newRemoteError reads an error header: an object with a message, or a text.
func newRemoteError(c *Call, body string) *RemoteError {
	e := &RemoteError{Topic: c.Topic, Service: c.Service, Type: c.Type, Message: body, Body: body}
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
	// Accepted tells whether the broker had acknowledged the request: if not,
	// the broker was out of reach, not the service.
	Accepted bool
}

// Error names the topic and who did not answer on it.
func (e *TimeoutError) Error() string {
	who := named(e.Service) + " did not answer"
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
	return fmt.Sprintf("check that %s is running and consumes %s", named(e.Service), e.Topic)
}

// Timeout is true, as it is for a [net.Error].
func (e *TimeoutError) Timeout() bool { return true }

// Unwrap makes it a [context.DeadlineExceeded].
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// ConnectError is the error of [Open] where no broker answers.
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

func named(service string) string {
	if service == "" {
		return "its consumer"
	}
	return service
}
