// Package bench compares the embedded broker with Apache Kafka, each in a process of its
// own, in turn:
//
//	go test ./broker/bench -run '^$' -bench . -benchtime 1x -timeout 20m
//
// Ratios are the embedded broker's figure through Apache Kafka's, medians of rounds.
// AXION_BENCH_PROFILE=FILE writes a CPU profile of the embedded broker.
package bench
