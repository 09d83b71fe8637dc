package guard

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/frame"
	"axion/broker/membership"
)

// noteTimeout bounds the question what to note, before a response is given.
const noteTimeout = 5 * time.Second

// notes keeps what kfake forgets over a kill: what requests and their responses say of
// groups and settings.
type notes struct {
	*Deps
	stopped <-chan struct{} // with the listener
	sharing sync.Mutex      // held while it is noted where share groups go on
}

// context is for the question what to note. It ends with the listener: kfake's clean stop,
// which comes next, writes down the same.
func (n *notes) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), noteTimeout)
	go func() {
		select {
		case <-n.stopped:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// noteMembers keeps what a request of a group protocol, and its response, say of members.
func noteMembers(c *client, req frame.Request, f []byte, parsed kmsg.Request) {
	if groups := shareGroups(parsed); groups != nil {
		c.onResponse(req, &sharing{
			Request: req, notes: c.notes, groups: groups, acknowledged: acknowledged(c.Cluster, parsed), resets: resets(parsed),
		})
		return
	}
	member := membership.Client{ID: frame.ClientID(f), Host: c.peer.String(), Local: c.own}
	if note := c.Joined.Follow(member, parsed); note != nil {
		c.onResponse(req, noting{key: req.Key, version: req.Version, note: note})
	}
}

// noting notes a response before the client gets it.
type noting struct {
	key, version int16
	note         func(kmsg.Response)
}

// complete implements responseHook.
func (n noting) complete(p []byte) ([]byte, error) {
	resp, _, err := frame.DecodeResponse(p, n.key, n.version)
	if err != nil {
		return nil, err
	}
	n.note(resp)
	return p, nil
}
