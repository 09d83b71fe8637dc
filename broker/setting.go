package broker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/recovery"
)

// noteTime bounds the question what to note, before an answer is given.
const noteTime = 5 * time.Second

// noteContext is for such a question. It ends with the front: kfake's clean stop, which
// comes next, writes down the same.
func (f *front) noteContext() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), noteTime)
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
func (g *guarded) keepSettings(req request, r *kmsg.IncrementalAlterConfigsRequest) {
	for _, resource := range r.Resources {
		if recovery.KeepsSettings(resource.ResourceType) {
			g.answerWith(req, settingsSet{front: g.front, kind: resource.ResourceType, name: resource.ResourceName})
		}
	}
}

// settingsSet keeps what is set of a resource.
type settingsSet struct {
	front *front
	kind  kmsg.ConfigResourceType
	name  string
}

// complete implements completion.
func (s settingsSet) complete(p []byte) ([]byte, error) {
	ctx, cancel := s.front.noteContext()
	defer cancel()
	err := s.front.settings.Keep(s.kind, s.name, func() (map[string]*string, error) {
		return s.front.broker.admin.Settings(ctx, s.kind, s.name)
	})
	if err != nil {
		s.front.log.Error("broker: settings are not kept over a kill", "of", s.name, "error", err)
	}
	return p, nil
}
