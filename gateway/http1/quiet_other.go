//go:build !unix

package http1

// quiet says no: a request that cannot be sent again gets a connection of its own.
func (c *conn) quiet() bool { return false }
