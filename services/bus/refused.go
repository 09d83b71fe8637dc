package bus

// Refused reports whether the service answered with a reason of its own, as
// opposed to having failed, or having no handler for the request.
func (e *RemoteError) Refused() bool {
	return e.Message != internalError && e.Message != noMatchingHandler
}
