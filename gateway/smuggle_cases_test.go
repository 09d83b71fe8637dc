package gateway_test

import "strings"

// seen is what a server gets of a request.
type seen int

const (
	nothing seen = iota
	part         // the beginning of one: its end never comes
	one
)

// evil is a request that is to come to the server past the routes.
const evil = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"

func post(header, body string) string {
	return "POST /ok HTTP/1.1\r\nHost: a\r\n" + header + "\r\n\r\n" + body
}

func ask(header string) string { return "GET /ok HTTP/1.1\r\n" + header + "\r\n\r\n" }

// cut is the one answer to a body that is malformed; the connection ends with it.
const cut = "400"

const (
	coded = "Transfer-Encoding: chunked"
	hello = "5\r\nhello\r\n0\r\n\r\n"
)

var smuggles = []struct {
	name, text string
	statuses   string // of all answers, a regular expression
	seen       seen
	has        []string // parts of what the server gets
	hasNot     []string // in lower case
}{
	// A body's length.
	{name: "OK", text: post("Content-Length: 5", "hello"), statuses: "200", seen: one, has: []string{"Content-Length: 5", "\r\n\r\nhello"}},
	{name: "OK/evil is a body", text: post("Content-Length: 31", evil), statuses: "200", seen: one},
	{name: "OK/evil comes after", text: post("Content-Length: 5", "hello"+evil), statuses: "200 404", seen: one, hasNot: []string{"evil"}},
	{name: "length and coding", text: post("Content-Length: 36\r\n"+coded, "0\r\n\r\n"+evil), statuses: "200 404", seen: one,
		hasNot: []string{"evil"}},
	{name: "coding and length", text: post(coded+"\r\nContent-Length: 5", "0\r\n\r\n"+evil), statuses: "200 404", seen: one,
		hasNot: []string{"evil"}},
	{name: "lengths differ", text: post("Content-Length: 5\r\nContent-Length: 6", "hello"+evil), statuses: "400"},
	{name: "lengths agree", text: post("Content-Length: 5\r\nContent-Length: 5", "hello"+evil), statuses: "200 404", seen: one,
		hasNot: []string{"evil"}},
	{name: "lengths in a list", text: post("Content-Length: 5, 5", "hello"+evil), statuses: "400"},
	{name: "length +5", text: post("Content-Length: +5", "hello"+evil), statuses: "400"},
	{name: "length -5", text: post("Content-Length: -5", "hello"+evil), statuses: "400"},
	{name: "length 0x5", text: post("Content-Length: 0x5", "hello"+evil), statuses: "400"},
	{name: "length empty", text: post("Content-Length:", "hello"+evil), statuses: "400"},
	{name: "length huge", text: post("Content-Length: 18446744073709551621", "hello"+evil), statuses: "400"},
	{name: "coding with identity", text: post("Transfer-Encoding: chunked, identity", hello+evil), statuses: "501"},
	{name: "coding xchunked", text: post("Transfer-Encoding: xchunked", hello+evil), statuses: "501"},
	{name: "coding gzip", text: post("Transfer-Encoding: gzip, chunked", hello+evil), statuses: "501"},
	{name: "codings", text: post(coded+"\r\n"+coded, hello+evil), statuses: "501"},
	{name: "coding with a tab", text: post("Transfer-Encoding:\tchunked", hello+evil), statuses: "200 404", seen: one,
		hasNot: []string{"evil"}},
	{name: "coding in HTTP/1.0", text: "POST /ok HTTP/1.0\r\nHost: a\r\n" + coded + "\r\nContent-Length: 5\r\n\r\nhello" + evil,
		statuses: "200", seen: one, hasNot: []string{"evil", "chunked"}},
	// Chunks.
	{name: "chunks", text: post(coded, hello+evil), statuses: "200 404", seen: one, has: []string{"\r\n\r\n" + hello}},
	{name: "chunk size with garbage", text: post(coded, "5x\r\nhello\r\n0\r\n\r\n"+evil), statuses: cut, seen: part, hasNot: []string{"evil"}},
	{name: "chunk size 0x5", text: post(coded, "0x5\r\nhello\r\n0\r\n\r\n"+evil), statuses: cut, seen: part, hasNot: []string{"evil"}},
	{name: "chunk size -5", text: post(coded, "-5\r\nhello\r\n0\r\n\r\n"+evil), statuses: cut, seen: part, hasNot: []string{"evil"}},
	{name: "chunk size huge", text: post(coded, "10000000000000005\r\nhello\r\n0\r\n\r\n"+evil), statuses: cut, seen: part,
		hasNot: []string{"evil"}},
	{name: "chunk without its end", text: post(coded, "5\r\nhelloXX0\r\n\r\n"+evil), statuses: cut, seen: part, hasNot: []string{"evil"}},
	{name: "chunk extension", text: post(coded, "5;a=b\r\nhello\r\n0;c\r\n\r\n"+evil), statuses: "200 404", seen: one,
		has: []string{"\r\n\r\n" + hello}},
	{name: "chunk extension with LF", text: post(coded, "5;a\nhello\r\n0\r\n\r\n"+evil), statuses: cut, seen: part, hasNot: []string{"evil"}},
	{name: "chunk extension with CR", text: post(coded, "5;a\rb\r\nhello\r\n0\r\n\r\n"+evil), statuses: cut, seen: part,
		hasNot: []string{"evil"}},
	{name: "trailer", text: post(coded+"\r\nTrailer: X-Sum", "5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n"+evil), statuses: "200 404", seen: one,
		has: []string{"X-Sum: 5"}},
	{name: "trailer with a length", text: post(coded, "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"+evil), statuses: "200 404", seen: one},
	{name: "trailer with the client's address", text: post(coded, "5\r\nhello\r\n0\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n"+evil),
		statuses: "200 404", seen: one, hasNot: []string{"9.9.9.9"}},
	{name: "trailer announced with a length",
		text: post(coded+"\r\nTrailer: Content-Length", "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"+evil), statuses: "400"},
	// Lines.
	{name: "bare LF", text: "GET /ok HTTP/1.1\nHost: a\nX-A: b\n\n" + evil, statuses: "200 404", seen: one, has: []string{"X-A: b\r\n"}},
	{name: "folded", text: ask("Host: a\r\nX-A: b\r\n c") + evil, statuses: "200 404", seen: one, has: []string{"X-A: b c\r\n"}},
	{name: "folded coding", text: post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 3", hello+evil), statuses: "200 404", seen: one,
		hasNot: []string{"evil"}},
	{name: "first line folded", text: ask(" X-A: b\r\nHost: a"), statuses: "400"},
	{name: "space before colon", text: post("Transfer-Encoding : chunked\r\nContent-Length: 5", hello+evil), statuses: "400"},
	{name: "no colon", text: ask("Host: a\r\nX-A"), statuses: "400"},
	{name: "no name", text: ask("Host: a\r\n: b"), statuses: "400"},
	{name: "NUL in a value", text: ask("Host: a\r\nX-A: b\x00c"), statuses: "400"},
	{name: "CR in a value", text: ask("Host: a\r\nX-A: b\rX-B: c"), statuses: "400"},
	{name: "NUL in a name", text: ask("Host: a\r\nX\x00A: b"), statuses: "400"},
	{name: "escaped line in the path", text: "GET /ok%0d%0aX-A:%20b HTTP/1.1\r\nHost: a\r\n\r\n", statuses: "200", seen: one,
		hasNot: []string{"\r\nx-a"}},
	{name: "space in the path", text: "GET /ok /evil HTTP/1.1\r\nHost: a\r\n\r\n", statuses: "400"},
	{name: "HTTP/9.9", text: "GET /ok HTTP/9.9\r\nHost: a\r\n\r\n", statuses: "505"},
	// The host.
	{name: "hosts", text: ask("Host: a\r\nHost: b"), statuses: "400"},
	{name: "no host", text: ask("X-A: b"), statuses: "400"},
	{name: "host with a space", text: ask("Host: a b"), statuses: "400"},
	{name: "absolute target", text: "GET http://b/ok HTTP/1.1\r\nHost: a\r\n\r\n", statuses: "200", seen: one,
		has: []string{"GET /ok HTTP/1.1\r\nHost: b\r\n", "X-Forwarded-Host: b\r\n"}, hasNot: []string{": a\r\n"}},
	{name: "absolute target, evil", text: "GET http://b/evil HTTP/1.1\r\nHost: a\r\n\r\n", statuses: "404"},
	// Lengths of heads.
	{name: "long header", text: ask("Host: a\r\nX-A: " + strings.Repeat("x", 300<<10)), statuses: "200", seen: one},
	{name: "too long header", text: ask("Host: a\r\nX-A: " + strings.Repeat("x", 1100<<10)), statuses: "431"},
	{name: "many headers", text: ask("Host: a" + strings.Repeat("\r\nX-A: b", 150_000)), statuses: "431"},
	{name: "long URL", text: "GET /ok?" + strings.Repeat("x", 100<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", statuses: "200", seen: one},
	{name: "too long URL", text: "GET /ok?" + strings.Repeat("x", 1100<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", statuses: "431"},
	// What is for one connection only.
	{name: "h2c", text: ask("Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk") + evil,
		statuses: "200 404", seen: one,
		hasNot: []string{"upgrade", "h2c", "http2-settings"}},
	{name: "h2c among others", text: ask("Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c"), statuses: "200", seen: one,
		hasNot: []string{"upgrade", "h2c"}},
	{name: "h2c in another line", text: ask("Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c"), statuses: "200",
		seen: one, hasNot: []string{"h2c"}},
	{name: "names what the gateway sets",
		text:     ask("Host: a\r\nX-Forwarded-For: 9.9.9.9\r\nConnection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Real-Ip"),
		statuses: "200", seen: one,
		has:    []string{"X-Forwarded-For: 127.0.0.1\r\n", "X-Forwarded-Proto: http\r\n", "X-Forwarded-Host: a\r\n", "X-Real-Ip: 127.0.0.1\r\n"},
		hasNot: []string{"9.9.9.9"}},
	{name: "names the length", text: post("Content-Length: 5\r\nConnection: Content-Length, Host", "hello"+evil), statuses: "200 404",
		seen: one, has: []string{"Content-Length: 5\r\n"}},
	{name: "names the coding", text: post(coded+"\r\nConnection: Transfer-Encoding", hello+evil), statuses: "200 404", seen: one,
		has: []string{coded}},
	{name: "names its own", text: ask("Host: a\r\nX-A: b\r\nConnection: close, x-a"), statuses: "200", seen: one,
		hasNot: []string{"x-a", "connection"}},
}
