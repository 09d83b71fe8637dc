// Package bus connects services: events and request–reply over Kafka, and
// nothing else. It has the wire form of NestJS's Kafka transport, with
// CloudEvents headers on events and W3C trace context on everything, so that a
// peer in another language sees no difference.
//
// [Bus] is the face; each noun behind it has a package of its own:
//
//   - message: what is sent and received, and its headers
//   - requester: requests, their replies and routes
//   - consumer: handlers, partitions, commits, retries, answers
//   - outbox and inbox: the tables for exactly one effect
//   - topics: creating topics, and reading them outside of a group
//   - groups: names, members and first offsets of consumer groups
//   - deadletter: what is put on a dead-letter topic; dlq: listing and replaying it
//   - conn, tracing and metrics: what the others share
//
// Delivery is at least once. Messages of one key are handled in order, those
// of different keys (and those without a key) concurrently. An offset is
// committed only once it and all before it on its partition are done: the
// handler succeeded, the reply was acknowledged, or the message was put on the
// dead-letter topic. Exactly once in effect needs the two halves that live in
// the service's own database: [Bus.Enqueue] on the way out, [axion/services/bus/inbox.MarkProcessed] on the way in.
//
// # NestJS peers
//
// A NestJS service (@nestjs/microservices on KafkaJS) and a Go one replace each
// other: with the groupId of the service's name they are members of one group.
// NestJS callers reach a Go service on its pattern topics, see [Bus.Handle]. A Go
// caller reaches a NestJS service in either of two ways, and needs no change:
//
//   - The service has @MessagePattern('axion.codegen-service'). It is given all
//     requests to codegen-service; the header ce_type distinguishes them.
//   - It has @MessagePattern('codegen-service.generate-code') only. A request that
//     stays without an answer for half a second while no group subscribes to
//     axion.codegen-service is sent there, and later ones are at once.
//
// KafkaJS consumers start at the end of a partition of which their group has no
// offset, so the bus commits an offset on all partitions that it is given, and
// [InitGroupOffsets] does for a service that a NestJS peer replaces from the beginning. One
// that stops may drop replies to requests that it has
// committed: callers ask again after a [TimeoutError]. Members of one group should
// subscribe to the same topics: KafkaJS assigns those of the group's leader,
// whatever the others asked for.
//
// A handler that requests something from its own service under its own key
// waits for itself, and fails at the deadline: keys are handled in order.
package bus
