package requester

import (
	"context"
	"time"

	"axion/services/bus/groups"
	"axion/services/bus/message"
	"axion/services/contract"
)

// A request that stays without an answer probes for a listener: after firstProbe, then
// after twice as long each time, maxProbe at most.
const (
	firstProbe = 500 * time.Millisecond
	maxProbe   = 2 * time.Second
)

// TopicOf is the topic of a call's request: the one that it names, or the one where an
// earlier call of its kind found a listener.
func (q *Requester) TopicOf(c *Call) string {
	if topic, ok := q.routes.Load(c.route()); ok {
		return topic.(string)
	}
	return c.Topic
}

// route is the key of a call's kind.
func (c *Call) route() string { return c.Topic + " " + c.Type }

// patternTopic is the call's other topic: a NestJS peer that does not know of
// axion subscribes to it, and not to the service's own. It is empty for a call
// that is not to a service's own topic, or has no pattern.
func (c *Call) patternTopic() string {
	for service := range contract.Requests() {
		if c.Topic != contract.Topic(service) {
			continue
		}
		topic := contract.PatternTopic(service, c.Type)
		if message.PatternTypes(service)[topic] == c.Type {
			return topic
		}
	}
	return ""
}

// findListener finds the topic that a group subscribes to for calls like c, given that
// one stays without an answer on from, for a time at most. It returns that topic, also
// to later calls, or "" if there is no better one.
func (q *Requester) findListener(ctx context.Context, c *Call, from string, limit time.Duration) string {
	pattern := c.patternTopic()
	if pattern == "" {
		return ""
	}
	to := pattern
	if from == pattern {
		to = c.Topic
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	subscribed, err := groups.Subscribed(ctx, q.conn.Admin, q.conn.Log)
	if err != nil {
		q.conn.Log.Debug("find a listener", "topic", from, "error", err)
		return ""
	}
	if subscribed[from] || !subscribed[to] {
		return ""
	}
	q.conn.Log.Info("request goes where somebody listens", "type", c.Type, "from", from, "to", to)
	q.routes.Store(c.route(), to)
	return to
}
