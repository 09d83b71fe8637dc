package bus

import (
	"axion/services/bus/consumer"
	"axion/services/bus/message"
	"axion/services/bus/requester"
	"axion/services/bus/topics"
)

// The types of what services send and receive. Each is described where it is defined.
type (
	// Message is one message as a handler sees it.
	Message = message.Message
	// Handler handles one message.
	Handler = message.Handler
	// Answer is an answer with headers of its own.
	Answer = message.Answer
	// Stream is an answer in several parts.
	Stream = message.Stream
	// Event is something that happened, to be published.
	Event = message.Event
	// Record is a message that is forwarded as it came from elsewhere.
	Record = message.Record
	// Header is one header of a message.
	Header = message.Header
	// Headers are a message's headers in wire order.
	Headers = message.Headers
	// Call is one request and where its answer goes.
	Call = requester.Call
	// Retry is how often and how fast a failed message is tried again.
	Retry = consumer.Retry
	// Offsets are a position in a topic.
	Offsets = topics.Offsets
)

// The errors of the bus's methods and of handlers.
type (
	// RemoteError is the error that a service answered a request with.
	RemoteError = message.RemoteError
	// TimeoutError is the error of a request that nobody answered in time.
	TimeoutError = message.TimeoutError
	// ConnectError is the error of [Open] where no broker answers.
	ConnectError = message.ConnectError
)

// The errors that have no fields.
var (
	// ErrClosed is the error of what was under way when the bus was closed.
	ErrClosed = message.ErrClosed
	// ErrTooLarge is the error of a message of more than [MaxMessage] bytes.
	ErrTooLarge = message.ErrTooLarge
	// ErrExpired is the error of a request that was not handled, since its sender had
	// stopped waiting.
	ErrExpired = message.ErrExpired
)

// MaxMessage is the most that a message's data, key and type may have together, in bytes.
const MaxMessage = message.MaxMessage

// Permanent marks an error that another attempt would meet again; see [message.Permanent].
func Permanent(err error) error { return message.Permanent(err) }

// Retriable marks the error of a request's handler as worth another try; see
// [message.Retriable].
func Retriable(err error) error { return message.Retriable(err) }
