//go:build !unix

package entrypoint

func connLimit() int { return defaultConns }
