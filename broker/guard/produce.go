package guard

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	batches "axion/broker/batch"
	"axion/broker/frame"
)

// produce validates records before they are written, and returns the frame to pass on.
func produce(c *client, req frame.Request, f []byte, r *kmsg.ProduceRequest) []byte {
	if admit(c, req, r) {
		f = frame.Encode(f[:req.Body], r)
	}
	if c.Faults.OnProduce() {
		return applyProduceFaults(c, req, f, r)
	}
	return f
}

// produceBody does the same in place. What is left of a request may be shorter than its
// frame: kfake does not look at the bytes behind it.
func produceBody(c *client, req frame.Request, body []byte) error {
	r := kmsg.NewPtrProduceRequest()
	r.SetVersion(req.Version)
	start := req.Body - frame.Prefix
	if err := r.ReadFrom(body[start:]); err != nil {
		return frame.Refuse("Produce request that cannot be read: %v", err)
	}
	if !admit(c, req, r) {
		return nil
	}
	left := r.AppendTo(nil) // not in place: the batches are
	if len(left) > len(body)-start {
		return frame.Refuse("Produce request whose fields are longer than they need be")
	}
	clear(body[start+copy(body[start:], left):])
	return nil
}

// admit takes out of a request what is not to be written, and reports whether the
// request is another than it was.
func admit(c *client, req frame.Request, r *kmsg.ProduceRequest) (changed bool) {
	changed = validate(c, req, r)
	return !store(c, req, r) || changed
}

// validate refuses batches that not every reader could decode, gives those of topics with
// LogAppendTime their time, and reports whether the request is another than it was. kfake
// (v0.0.0-20260918) acknowledges them: it looks at neither the records nor their number,
// and takes the next offset from that.
func validate(c *client, req frame.Request, r *kmsg.ProduceRequest) (changed bool) {
	result := batches.Check(r, knownTopics{c.Deps}, time.Now().UnixMilli())
	if !result.ChangesAnswer() {
		return result.Changed
	}
	if len(result.Refused) > 0 {
		first := result.Refused[0]
		c.warn("broker: refused a batch", "peer", c.peer.String(),
			"topic", first.Topic, "partition", first.Partition, "error", first.Error)
		if r.Acks == 0 { // the client reads no response; Kafka ends the connection too
			c.ending = frame.Refuse("a produce without acknowledgement was refused: %v", first.Error)
		}
	}
	if r.Acks != 0 {
		c.onResponse(req, &validated{req.Version, result})
	}
	return result.Changed
}

// validated adds to the response what validation came to.
type validated struct {
	version int16
	result  batches.Result
}

// complete implements responseHook.
func (c *validated) complete(p []byte) ([]byte, error) {
	resp, body, err := frame.DecodeResponse(p, int16(kmsg.Produce), c.version)
	if err != nil {
		return nil, err
	}
	c.result.AddTo(resp.(*kmsg.ProduceResponse))
	return frame.EncodeResponse(p[:body], resp), nil
}

// knownTopics are those of the broker.
type knownTopics struct{ deps *Deps }

var _ batches.Topics = knownTopics{}

// Rules implements [batches.Topics].
func (t knownTopics) Rules(topic string) (batches.Rules, bool) { return t.deps.Rules.Rules(topic) }

// Has implements [batches.Topics].
func (t knownTopics) Has(topic string, partition int32) bool {
	return t.deps.Cluster.Partition(topic, partition) != nil
}
