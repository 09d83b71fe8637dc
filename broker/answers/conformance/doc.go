// Package conformance holds the answers of the embedded broker to those of Apache Kafka,
// request by request and version by version. It has tests alone.
package conformance
