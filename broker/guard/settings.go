package guard

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	batches "axion/broker/batch"
	"axion/broker/frame"
	"axion/broker/recovery"
	"axion/broker/retention"
)

// configure renames what a request sets or asks for of the settings that
// retention follows.
// It reports whether it changed the request.
func configure(c *client, req frame.Request, f []byte, r kmsg.Request) bool {
	if frame.ClientID(f) == retention.ClientID {
		return false
	}
	switch r := r.(type) {
	case *kmsg.DescribeConfigsRequest:
		c.onResponse(req, described{req.Version, c.Names.Ask(r)})
		return true
	case *kmsg.AlterConfigsRequest:
		for _, resource := range r.Resources {
			reconfigured(c.Cleaner, resource.ResourceType, resource.ResourceName)
		}
	case *kmsg.IncrementalAlterConfigsRequest:
		for _, resource := range r.Resources {
			reconfigured(c.Cleaner, resource.ResourceType, resource.ResourceName)
		}
	case *kmsg.DeleteTopicsRequest:
		c.Cleaner.Touched(r.TopicNames...)
		for _, topic := range r.Topics {
			if topic.Topic == nil { // named by its id
				c.Cleaner.Touched()
			} else {
				c.Cleaner.Touched(*topic.Topic)
			}
		}
	}
	return c.Names.Hide(r)
}

// reconfigured notes that settings change.
func reconfigured(cleaner *retention.Cleaner, kind kmsg.ConfigResourceType, name string) {
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		cleaner.Touched(name)
	case kmsg.ConfigResourceTypeBroker:
		cleaner.Touched()
	}
}

// described completes the response to a DescribeConfigs.
type described struct {
	version     int16
	description *retention.Description
}

// complete implements responseHook.
func (d described) complete(p []byte) ([]byte, error) {
	resp, body, err := frame.DecodeResponse(p, int16(kmsg.DescribeConfigs), d.version)
	if err != nil {
		return nil, err
	}
	d.description.Reveal(resp.(*kmsg.DescribeConfigsResponse))
	return frame.EncodeResponse(p[:body], resp), nil
}

// settingsChanged has topics' settings read anew before their change is answered.
type settingsChanged struct{ rules *batches.Settings }

// complete implements responseHook.
func (s settingsChanged) complete(p []byte) ([]byte, error) {
	s.rules.Forget()
	return p, nil
}

// keepSettings has what a request sets of groups, and of subscriptions to client metrics,
// kept before it is answered.
func keepSettings(c *client, req frame.Request, r *kmsg.IncrementalAlterConfigsRequest) {
	for _, resource := range r.Resources {
		if recovery.KeepsSettings(resource.ResourceType) {
			c.onResponse(req, settingsSet{notes: c.notes, kind: resource.ResourceType, name: resource.ResourceName})
		}
	}
}

// settingsSet keeps what is set of a resource.
type settingsSet struct {
	notes *notes
	kind  kmsg.ConfigResourceType
	name  string
}

// complete implements responseHook.
func (s settingsSet) complete(p []byte) ([]byte, error) {
	ctx, cancel := s.notes.context()
	defer cancel()
	err := s.notes.Settings.Keep(s.kind, s.name, func() (map[string]*string, error) {
		return s.notes.Admin.Settings(ctx, s.kind, s.name)
	})
	if err != nil {
		s.notes.Log.Error("broker: settings are not kept over a kill", "of", s.name, "error", err)
	}
	return p, nil
}
