// Package conn is a service's connection to the broker: Kafka clients with the bus's
// options, sending, polling, and what is recorded of both.
package conn
