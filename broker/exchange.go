package broker

import (
	"context"
	"encoding/binary"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"axion/broker/admin"
	"axion/broker/answers"
	"axion/broker/migrate"
	"axion/broker/retention"
)

// askingID is the client by which the completer asks.
const askingID = "axion-answers"

// newAsking is that client. Its connections carry no other requests: the answer to one
// may wait for what it asks.
func (b *Broker) newAsking() (*kgo.Client, error) {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.OffsetCommit), 9) // the last one that names topics
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.Seeds()...), kgo.ClientID(askingID), kgo.MaxVersions(versions), kgo.WithLogger(admin.NewLogger(b.log)),
	}, b.Client()...)...)
}

// concerned reports whether requests of a key, or their answers, may have to change.
func concerned(key int16) bool { return answers.Concerns(key) || migrate.Concerns(key) }

// own is the broker as package answers asks it.
type own struct{ broker *Broker }

var _ answers.Cluster = own{}

// Ask implements [answers.Cluster].
func (o own) Ask(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	return o.broker.asking.Broker(answers.Node).RetriableRequest(ctx, req)
}

// Dir implements [answers.Cluster].
func (o own) Dir() string {
	if dir, err := filepath.Abs(o.broker.options.Dir); err == nil {
		return dir
	}
	return o.broker.options.Dir
}

// Topic implements [answers.Cluster].
func (o own) Topic(name string) (id [16]byte, configs map[string]*string, ok bool) {
	o.broker.withCluster(func(c *kfake.Cluster) {
		if info := c.TopicInfo(name); info != nil {
			id, configs, ok = info.TopicID, retention.Plain(info.Configs), true
		}
	})
	return id, configs, ok
}

// Partitions implements [answers.Cluster].
func (o own) Disk() (total, usable int64) { return o.broker.space.Usable() }

func (o own) Partitions() int32 { return o.broker.options.Partitions }

// Addr implements [answers.Cluster].
func (o own) Addr() string { return o.broker.Addr() }

// exchange looks for what Kafka would do otherwise with a request. It returns how the answer
// is completed, nil for as it is; whether the answer is that alone, so that the request
// is not passed on; and whether the request has changed.
func (g *guardedConn) exchange(req request, frame []byte, parsed kmsg.Request) (answer *completedAnswer, instead, changed bool) {
	client := req.client(frame)
	if !concerned(req.key) || client == retention.ClientID || client == askingID && kmsg.Key(req.key) != kmsg.DescribeConfigs {
		return nil, false, false
	}
	x, ok := g.listener.broker.groups.Exchange(parsed)
	if !ok {
		x = g.listener.broker.completer.Exchange(parsed)
	} else if !x.Instead {
		x = x.And(g.listener.broker.completer.Exchange(parsed))
	}
	if x.Complete != nil || answers.Fills(req.key) {
		answer = &completedAnswer{req, x}
	}
	return answer, x.Instead, x.Changed
}

// framed writes a request anew behind its header.
func framed(head []byte, req kmsg.Request) []byte {
	out := req.AppendTo(append([]byte(nil), head...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-prefix))
	return out
}

// aside is what kfake is asked in place of a request that it has no part in, so
// that answers keep their order: its versions, by the same correlation id.
func aside(frame []byte) []byte {
	out := append([]byte(nil), frame[:prefix+minHead]...)
	binary.BigEndian.PutUint16(out[prefix:], uint16(kmsg.ApiVersions))
	binary.BigEndian.PutUint16(out[prefix+2:], 0)
	binary.BigEndian.PutUint16(out[prefix+8:], 0) // no client id
	binary.BigEndian.PutUint32(out, uint32(len(out)-prefix))
	return out
}

// completedAnswer completes an answer as package answers says.
type completedAnswer struct {
	request
	answers.Exchange
}

// complete implements responseHook.
func (m completedAnswer) complete(p []byte) ([]byte, error) {
	if m.Instead {
		resp := kmsg.ResponseForKey(m.key)
		resp.SetVersion(m.version)
		m.Finish(resp)
		return encodeResponse(append(p[:prefix+4:prefix+4], make([]byte, bodyOf(resp)-prefix-4)...), resp), nil
	}
	if kmsg.Key(m.key) == kmsg.ApiVersions && (len(p) < prefix+6 || binary.BigEndian.Uint16(p[prefix+4:]) != 0) {
		return p, nil // an error, which is in version 0
	}
	resp, body, err := decodeResponse(p, m.key, m.version)
	if err != nil {
		return nil, err
	}
	if !m.Finish(resp) {
		return p, nil
	}
	return encodeResponse(p[:body], resp), nil
}
