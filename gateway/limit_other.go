//go:build !unix

package gateway

func connLimit() int { return defaultConns }
