package bus

import (
	"context"
	"fmt"
	"time"

	"axion/services/contract"
)

// A request that stays without an answer has us look who listens: after
// lookFirst, then after twice as long each time, lookMax at most.
const (
	lookFirst = 500 * time.Millisecond
	lookMax   = 2 * time.Second
)

// topicOf is where a call's request goes: to the topic that it names, or to the
// one where an earlier call of its kind found somebody.
func (b *Bus) topicOf(c *Call) string {
	if topic, ok := b.routes.Load(c.route()); ok {
		return topic.(string)
	}
	return c.Topic
}

// route is what a call's kind is known by.
func (c *Call) route() string { return c.Topic + " " + c.Type }

// patternTopic is the call's other topic: a NestJS peer that does not know of
// axion listens there, and not on the service's own. It is empty for a call
// that is not to a service's own topic, or has no pattern.
func (c *Call) patternTopic() string {
	for service := range contract.Requests() {
		if c.Topic != contract.Topic(service) {
			continue
		}
		topic := contract.PatternTopic(service, c.Type)
		if patternsOf(service)[topic] == c.Type {
			return topic
		}
	}
	return ""
}

// reroute looks for the topic on which somebody listens to calls like c, given
// that nobody answers on one, for a time at most. It returns that topic, also to
// later calls, or "" if there is no better one.
func (b *Bus) reroute(ctx context.Context, c *Call, from string, limit time.Duration) string {
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
	heard, err := b.Subscribed(ctx)
	if err != nil {
		b.log.Debug("look who listens", "topic", from, "error", err)
		return ""
	}
	if heard[from] || !heard[to] {
		return ""
	}
	b.log.Info("request goes where somebody listens", "type", c.Type, "from", from, "to", to)
	b.routes.Store(c.route(), to)
	return to
}

// Subscribed are the topics that members of the named consumer groups ask for, of
// any group where none is named. A group that is not there asks for nothing, nor
// does one that rebalances.
func (b *Bus) Subscribed(ctx context.Context, groups ...string) (map[string]bool, error) {
	topics := make(map[string]bool)
	classic, err := b.admin.DescribeGroups(ctx, groups...)
	if err != nil {
		return nil, fmt.Errorf("describe consumer groups: %w", err)
	}
	for _, g := range classic {
		for _, m := range g.Members {
			if join, ok := m.Join.AsConsumer(); ok {
				for _, topic := range join.Topics {
					topics[topic] = true
				}
			}
		}
	}
	if len(topics) > 0 && len(groups) == 1 {
		return topics, nil // a group has one of the two protocols
	}
	modern, err := b.admin.DescribeConsumerGroups(ctx, groups...)
	if err != nil { // a broker that knows only the classic protocol has told all
		b.log.Debug("describe groups of the consumer protocol", "error", err)
	}
	for _, g := range modern {
		for _, m := range g.Members {
			for _, topic := range m.SubscribedTopics {
				topics[topic] = true
			}
		}
	}
	return topics, nil
}
