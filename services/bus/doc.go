// Package bus is how services talk: events and request–reply over Kafka, and
// nothing else. It speaks the wire form of NestJS's Kafka transport, with
// CloudEvents headers on events and W3C trace context on everything, so that a
// peer in another language sees no difference.
//
// Delivery is at least once. Messages of one key are handled in order, those
// of different keys (and those without a key) concurrently. An offset is
// committed only once it and all before it on its partition are dealt with: the
// handler succeeded, the reply was acknowledged, or the message was put on the
// dead-letter topic. Exactly once in effect needs the two halves that live in
// the service's own database: [Bus.Enqueue] on the way out, [Seen] on the way in.
//
// A handler that requests something from its own service under its own key
// waits for itself, and fails at the deadline: keys are handled in order.
package bus
