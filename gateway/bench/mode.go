package main

import "fmt"

// mode is a kind of load.
type mode struct {
	name    string
	about   string
	tls, h2 bool
	conns   int
	streams int // of each HTTP/2 connection
	method  string
	path    string
	body    int // bytes sent
	answer  int // bytes of the answer's body
	rate    int // requests a second; 0 means as many as go
}

func modes() []mode {
	get := func(name, about string, size, conns int) mode {
		return mode{name: name, about: about, conns: conns, method: "GET", path: fmt.Sprintf("/%d", size), answer: size}
	}
	https := get("https", "HTTPS, HTTP/1.1, 128 B", 128, 64)
	https.tls = true
	h2 := get("h2", "HTTP/2 with TLS, 128 B, 8 connections of 16 streams", 128, 8)
	h2.tls, h2.h2, h2.streams = true, true, 16
	h2big := get("h2-1m", "HTTP/2 with TLS, 1 MB", 1<<20, 2)
	h2big.tls, h2big.h2, h2big.streams = true, true, 4
	slow := get("latency", "HTTP/1.1, 128 B, at 4,000 requests a second", 128, 64)
	slow.rate = 4000
	return []mode{
		get("http", "HTTP/1.1, 128 B, 64 connections", 128, 64),
		https,
		h2,
		get("10k", "HTTP/1.1, 10 KB", 10<<10, 64),
		get("1m", "HTTP/1.1, 1 MB", 1<<20, 16),
		h2big,
		{name: "upload", about: "HTTP/1.1, uploads of 100 KB", conns: 32, method: "POST", path: "/128", body: 100 << 10, answer: 128},
		slow,
	}
}
