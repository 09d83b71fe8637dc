package deployment

import (
	"fmt"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/signature"
)

// signing gives the headers of a request to provision. They hold as long as it is waited
// for, and a moment longer.
func (s *service) signing(patience time.Duration) func(value []byte) []bus.Header {
	return func(value []byte) []bus.Header {
		text := s.key.Sign(contract.Provision, value, time.Now().Add(patience+time.Minute))
		return []bus.Header{{Key: signature.Header, Value: []byte(text)}}
	}
}

// verify says what is wrong with the signature of generated code. Code that has a command
// run is taken from who has the stack's key alone: this service signs what it passes on.
func (s *service) verify(value []byte, h bus.Headers) error {
	return s.key.Verify(h.Get(signature.Header), contract.GenerateCode+signature.Answer, value, time.Now())
}

// unsignedError refuses an answer that has a command run, and that anybody may have sent.
type unsignedError struct{ err error }

func (e *unsignedError) Error() string {
	return fmt.Sprintf("the answer has a command run, and %v; hint: what is in codegen-service's place signs it with the key that `axion "+
		"env` prints, "+
		"in the header %s", e.err, signature.Header)
}
func (e *unsignedError) Unwrap() error { return e.err }

// Public is what the project's owner is told.
func (e *unsignedError) Public() string { return e.Error() }
