package guard

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/fault"
	"axion/broker/frame"
)

// applyProduceFaults does to a produce request what the faults say, and returns the frame to
// pass on.
func applyProduceFaults(c *client, req frame.Request, f []byte, r *kmsg.ProduceRequest) []byte {
	if frame.ClientID(f) == fault.DuplicatesID {
		return f
	}
	c.Faults.ProduceDelay(r).Wait(c.closed, c.stopped)
	edit, changed := c.Faults.Produce(r)
	if r.Acks == 0 {
		edit.Answered(nil) // there is no response to wait for
	} else if !edit.Empty() {
		c.onResponse(req, &produceResponseEdit{req.Version, edit})
	}
	if !changed {
		return f
	}
	return frame.Encode(f[:req.Body], r)
}

// produceResponseEdit has faults change the response to a produce.
type produceResponseEdit struct {
	version int16
	edit    *fault.ProduceEdit
}

// complete implements responseHook.
func (e *produceResponseEdit) complete(p []byte) ([]byte, error) {
	resp, body, err := frame.DecodeResponse(p, int16(kmsg.Produce), e.version)
	if err != nil {
		return nil, err
	}
	if !e.edit.Answered(resp.(*kmsg.ProduceResponse)) {
		return p, nil
	}
	return frame.EncodeResponse(p[:body], resp), nil
}

// delayed has the response to a fetch wait while a delay is on, and reports whether one is.
func delayed(c *client, req frame.Request) bool {
	if !c.Faults.OnFetch() {
		return false
	}
	c.onResponse(req, &fetchResponseDelay{c, req.Version})
	return true
}

// fetchResponseDelay holds the response to a fetch back where it brings records of a topic
// that is slow.
type fetchResponseDelay struct {
	client  *client
	version int16
}

// complete implements responseHook.
func (d *fetchResponseDelay) complete(p []byte) ([]byte, error) {
	resp, _, err := frame.DecodeResponse(p, int16(kmsg.Fetch), d.version)
	if err != nil {
		return nil, err
	}
	d.client.Faults.FetchDelay(resp.(*kmsg.FetchResponse)).Wait(d.client.closed, d.client.stopped)
	return p, nil
}
