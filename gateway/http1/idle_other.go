//go:build !unix

package http1

// peeks says that quiet cannot know.
const peeks = false

// isIdle says no: a request that cannot be sent again gets a connection of its own.
func (c *conn) isIdle() bool { return false }
