package bus

// undisclosed is the text that NestJS and we answer with in place of an
// error that is nobody else's business.
const undisclosed = "Internal server error"

// Refused reports whether the service answered with a reason of its own, as
// opposed to having failed, or having no handler for the request.
func (e *RemoteError) Refused() bool {
	return e.Message != undisclosed && e.Message != noMatchingHandler
}
