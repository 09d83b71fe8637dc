//go:build !unix

package http1

// peeks says that quiet cannot know.
const peeks = false

// quiet says no: a request that cannot be sent again gets a connection of its own.
func (c *conn) quiet() bool { return false }
