package replacement

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"time"
)

// Registration is a service that is registered at a stack's registry, for as long as its
// connection lasts. It is safe for concurrent use.
type Registration struct {
	conn  net.Conn
	ended chan struct{}
}

// Open registers a service that listens at an address at the registry there, with its secret.
// The error says why it is refused. Close the registration.
func Open(ctx context.Context, registry, secret, service, address string) (*Registration, error) {
	c, err := (&net.Dialer{Timeout: sayTime}).DialContext(ctx, "tcp", registry)
	if err != nil {
		return nil, err
	}
	disarm := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer disarm()
	_ = c.SetDeadline(time.Now().Add(sayTime))
	var response answer
	if err = json.NewEncoder(c).Encode(claim{secret, service, address}); err == nil {
		if err = json.NewDecoder(&io.LimitedReader{R: c, N: maxLine}).Decode(&response); err != nil {
			err = fmt.Errorf("the stack's registry: %w", err)
		}
	}
	if err == nil && response.Error != "" {
		err = fmt.Errorf("the stack refuses it: %s", response.Error)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	_ = c.SetDeadline(time.Time{})
	r := &Registration{conn: c, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		_, _ = io.Copy(io.Discard, c)
	}()
	return r, nil
}

// Ended is closed when the stack ends, or after Close.
func (r *Registration) Ended() <-chan struct{} { return r.ended }

// Close ends the registration.
func (r *Registration) Close() {
	_ = r.conn.Close()
	<-r.ended
}
