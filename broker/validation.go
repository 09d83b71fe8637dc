package broker

import (
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	batches "axion/broker/batch"
	"axion/broker/retention"
)

// produce deals with records before they are written, and returns the frame to pass on.
func (g *guardedConn) produce(req request, frame []byte, r *kmsg.ProduceRequest) []byte {
	if g.records(req, r) {
		frame = framed(frame[:req.body], r)
	}
	if g.listener.broker.faults.produce() {
		return g.applyProduceFaults(req, frame, r)
	}
	return frame
}

// inspectBody implements frameHandler. What is left of a request may be shorter than its
// frame: kfake does not look at the bytes behind it.
func (g *guardedConn) inspectBody(req request, body []byte) error {
	r := kmsg.NewPtrProduceRequest()
	r.SetVersion(req.version)
	if err := r.ReadFrom(body[req.body-prefix:]); err != nil {
		return refusef("Produce request that cannot be read: %v", err)
	}
	if !g.records(req, r) {
		return nil
	}
	left := r.AppendTo(nil) // not in place: the batches are
	if len(left) > len(body)-req.body+prefix {
		return refusef("Produce request whose fields are longer than they need be")
	}
	clear(body[req.body-prefix+copy(body[req.body-prefix:], left):])
	return nil
}

// records takes out of a request what is not to be written, and reports whether the
// request is another than it was.
func (g *guardedConn) records(req request, r *kmsg.ProduceRequest) (changed bool) {
	changed = g.check(req, r)
	return !g.store(req, r) || changed
}

// check refuses batches that not every reader could decode, gives those of topics with
// LogAppendTime their time, and reports whether the request is another than it was. kfake
// (v0.0.0-20260918) acknowledges them: it looks at neither the records nor their number,
// and takes the next offset from that.
func (g *guardedConn) check(req request, r *kmsg.ProduceRequest) (changed bool) {
	result := batches.Check(r, known{g.listener.broker}, time.Now().UnixMilli())
	if !result.Tells() {
		return result.Changed
	}
	if len(result.Refused) > 0 {
		first := result.Refused[0]
		g.listener.warn("broker: refused a batch", "peer", g.RemoteAddr().String(),
			"topic", first.Topic, "partition", first.Partition, "error", first.Error)
		if r.Acks == 0 { // there is no other way to tell, and it is Kafka's
			g.ending = refusef("a produce without acknowledgement was refused: %v", first.Error)
		}
	}
	if r.Acks != 0 {
		g.onResponse(req, &validated{req.version, result})
	}
	return result.Changed
}

// validated adds to the answer what validation came to.
type validated struct {
	version int16
	result  batches.Result
}

// complete implements responseHook.
func (c *validated) complete(p []byte) ([]byte, error) {
	resp, body, err := decodeResponse(p, int16(kmsg.Produce), c.version)
	if err != nil {
		return nil, err
	}
	c.result.AddTo(resp.(*kmsg.ProduceResponse))
	return encodeResponse(p[:body], resp), nil
}

// settingsChanged has topics' settings read anew before their change is answered.
type settingsChanged struct{ broker *Broker }

// complete implements responseHook.
func (c settingsChanged) complete(p []byte) ([]byte, error) {
	c.broker.rules.Forget()
	return p, nil
}

// settingsOf are a topic's own settings.
func (b *Broker) settingsOf(topic string) (settings map[string]*string, ok bool) {
	b.withCluster(func(c *kfake.Cluster) {
		if info := c.TopicInfo(topic); info != nil {
			settings, ok = retention.Plain(info.Configs), true
		}
	})
	return settings, ok
}

// known is the broker as package batch asks it.
type known struct{ broker *Broker }

var _ batches.Topics = known{}

// Rules implements [batches.Topics].
func (k known) Rules(topic string) (batches.Rules, bool) { return k.broker.rules.Rules(topic) }

// Has implements [batches.Topics].
func (k known) Has(topic string, partition int32) (has bool) {
	k.broker.withCluster(func(c *kfake.Cluster) { has = c.PartitionInfo(topic, partition) != nil })
	return has
}
