//go:build !unix

package connlimit

// Default is [Max].
func Default() int { return Max }
