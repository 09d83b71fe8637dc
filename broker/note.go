package broker

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/membership"
)

// noteMembers keeps what a request of a group protocol, and its answer, say of members.
func (g *guardedConn) noteMembers(req request, frame []byte, parsed kmsg.Request) {
	if groups := shared(parsed); groups != nil {
		g.onResponse(req, &sharing{
			request: req, listener: g.listener, groups: groups, acknowledged: g.listener.broker.acknowledged(parsed), resets: resets(parsed),
		})
		return
	}
	client := membership.Client{
		ID: clientID(frame), Host: g.RemoteAddr().String(), Local: g.RemoteAddr().Network() == memoryAddr{}.Network(),
	}
	if answered := g.listener.joined.Follow(client, parsed); answered != nil {
		g.onResponse(req, noting{key: req.key, version: req.version, answered: answered})
	}
}

// clientID is that of a frame, whose header was checked.
func clientID(frame []byte) string {
	const at = prefix + minHead
	n := int(int16(binary.BigEndian.Uint16(frame[at-2:])))
	if n <= 0 || at+n > len(frame) {
		return ""
	}
	return string(frame[at : at+n])
}

// noting notes an answer before the client gets it.
type noting struct {
	key, version int16
	answered     func(kmsg.Response)
}

// complete implements responseHook.
func (n noting) complete(p []byte) ([]byte, error) {
	resp, _, err := decodeResponse(p, n.key, n.version)
	if err != nil {
		return nil, err
	}
	n.answered(resp)
	return p, nil
}
