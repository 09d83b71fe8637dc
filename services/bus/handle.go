package bus

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
)

// Handler deals with one message. For an event the value is ignored; for a
// request it is the answer, encoded as [Call.In] is, or a [Stream] of them.
//
// An event's error makes the bus try again, as [Options.Retry] says, and then
// put the event on the dead-letter topic; a [Permanent] one does so at once. A
// request's error is answered at once, unless it is [Retriable]; the caller
// sees its text only if it is Permanent or has a method Public() string, else
// "Internal server error". A panic counts as an error. ctx carries the trace,
// and is cancelled only when the bus has stopped waiting for the handler.
type Handler func(ctx context.Context, m *Message) (any, error)

// Handle makes h the handler of the messages of type typ on the service's own
// topic. Without any, the topic is not consumed. A request of the service's in
// [contract.Requests] is consumed from its pattern topic too, whose messages
// have that type whatever their headers say. It panics when typ has a handler
// already, or after [Bus.Run] began: both are mistakes in the program.
func (b *Bus) Handle(typ string, h Handler) {
	b.register(b.types, typ, h)
	if topic := contract.PatternTopic(b.service, typ); b.patterns[topic] == typ {
		b.register(b.topics, topic, h)
	}
}

// patternsOf are the request types of a service by their pattern topics.
func patternsOf(service string) map[string]string {
	types := make(map[string]string)
	for _, typ := range contract.Requests()[service] {
		types[contract.PatternTopic(service, typ)] = typ
	}
	return types
}

// Subscribe makes h the handler of every message on another topic, whatever
// its type. It panics as [Bus.Handle] does.
func (b *Bus) Subscribe(topic string, h Handler) { b.register(b.topics, topic, h) }

func (b *Bus) register(in map[string]Handler, name string, h Handler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started {
		panic("bus: handler for " + name + " after Run began")
	}
	if _, ok := in[name]; ok {
		panic("bus: second handler for " + name)
	}
	in[name] = h
}

// received reads a record that was consumed: a message on a pattern topic has
// the topic's type.
func (b *Bus) received(r *kgo.Record) *Message {
	m := newMessage(r)
	if typ, ok := b.patterns[m.Topic]; ok {
		m.Type = typ
	}
	return m
}

// handler finds who deals with m, or nil.
func (b *Bus) handler(m *Message) Handler {
	if m.Topic == b.topic {
		if h, ok := b.types[m.Type]; ok {
			return h
		}
	}
	return b.topics[m.Topic]
}

// consumed lists the topics to consume.
func (b *Bus) consumed() []string {
	var topics []string
	own := contract.Topic(b.service)
	if _, ok := b.topics[own]; !ok && len(b.types) > 0 {
		topics = append(topics, own)
	}
	for topic := range b.topics {
		topics = append(topics, topic)
	}
	return topics
}
