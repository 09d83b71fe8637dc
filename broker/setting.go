package broker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/recovery"
)

// noteTimeout bounds the question what to note, before an answer is given.
const noteTimeout = 5 * time.Second

// noteContext is for such a question. It ends with the listener: kfake's clean stop, which
// comes next, writes down the same.
func (f *guardedListener) noteContext() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), noteTimeout)
	go func() {
		select {
		case <-f.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// keepSettings has what a request sets of groups, and of subscriptions to client metrics,
// kept before it is answered.
func (g *guardedConn) keepSettings(req request, r *kmsg.IncrementalAlterConfigsRequest) {
	for _, resource := range r.Resources {
		if recovery.KeepsSettings(resource.ResourceType) {
			g.onResponse(req, settingsSet{listener: g.listener, kind: resource.ResourceType, name: resource.ResourceName})
		}
	}
}

// settingsSet keeps what is set of a resource.
type settingsSet struct {
	listener *guardedListener
	kind     kmsg.ConfigResourceType
	name     string
}

// complete implements responseHook.
func (s settingsSet) complete(p []byte) ([]byte, error) {
	ctx, cancel := s.listener.noteContext()
	defer cancel()
	err := s.listener.settings.Keep(s.kind, s.name, func() (map[string]*string, error) {
		return s.listener.broker.admin.Settings(ctx, s.kind, s.name)
	})
	if err != nil {
		s.listener.log.Error("broker: settings are not kept over a kill", "of", s.name, "error", err)
	}
	return p, nil
}
