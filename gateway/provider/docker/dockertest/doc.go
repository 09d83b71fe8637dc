// Package dockertest starts a Docker engine of a test's own, apart from that of the
// machine, and containers in it. It needs Linux.
package dockertest
