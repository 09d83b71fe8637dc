package guard

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/answers"
	"axion/broker/frame"
	"axion/broker/migrate"
	"axion/broker/retention"
)

// exchanged reports whether requests of a key, or their responses, may have to change.
func exchanged(key int16) bool { return answers.Concerns(key) || migrate.Concerns(key) }

// exchange looks for what Kafka would do otherwise with a request. It returns how the response
// is completed, nil for as it is; whether the response is that alone, so that the request
// is not passed on; and whether the request has changed.
func exchange(c *client, req frame.Request, f []byte, parsed kmsg.Request) (completed *completion, instead, changed bool) {
	id := frame.ClientID(f)
	if !exchanged(req.Key) || id == retention.ClientID || id == answers.ClientID && kmsg.Key(req.Key) != kmsg.DescribeConfigs {
		return nil, false, false
	}
	x, ok := c.Groups.Exchange(parsed)
	if !ok {
		x = c.Completer.Exchange(parsed)
	} else if !x.Instead {
		x = x.And(c.Completer.Exchange(parsed))
	}
	if x.Complete != nil || answers.Fills(req.Key) {
		completed = &completion{req, x}
	}
	return completed, x.Instead, x.Changed
}

// completion completes a response as package answers says.
type completion struct {
	frame.Request
	answers.Exchange
}

// complete implements responseHook.
func (c completion) complete(p []byte) ([]byte, error) {
	if c.Instead {
		resp := kmsg.ResponseForKey(c.Key)
		resp.SetVersion(c.Version)
		c.Finish(resp)
		const header = frame.Prefix + 4
		return frame.EncodeResponse(append(p[:header:header], make([]byte, frame.ResponseBody(resp)-header)...), resp), nil
	}
	if kmsg.Key(c.Key) == kmsg.ApiVersions && (len(p) < frame.Prefix+6 || binary.BigEndian.Uint16(p[frame.Prefix+4:]) != 0) {
		return p, nil // an error, which is in version 0
	}
	resp, body, err := frame.DecodeResponse(p, c.Key, c.Version)
	if err != nil {
		return nil, err
	}
	if !c.Finish(resp) {
		return p, nil
	}
	return frame.EncodeResponse(p[:body], resp), nil
}
