// Package javatest runs Java clients and Apache Kafka's tools on the embedded broker
// and on Apache Kafka, and compares what came of each step.
package javatest
