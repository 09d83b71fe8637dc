// Package closeframe answers the close frames of WebSockets as RFC 6455 has it.
package closeframe

import (
	"bufio"
	"net"
	"net/http"

	"github.com/gorilla/websocket"
)

// Writer is the writer of a request that is to become a WebSocket by gorilla's upgrader.
// A close frame whose reason is not UTF-8 is answered with 1007 (section 8.1), where the
// library answers 1002.
func Writer(w http.ResponseWriter) http.ResponseWriter { return writer{w} }

type writer struct{ http.ResponseWriter }

// Unwrap is for [http.ResponseController].
func (w writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack implements [http.Hijacker].
func (w writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return conn{c}, rw, nil
}

type conn struct{ net.Conn }

const invalidReason = "invalid utf8 payload in close frame" // the library's words

var (
	protocolError  = frame(websocket.CloseProtocolError)
	invalidPayload = frame(websocket.CloseInvalidFramePayloadData)
)

// frame is the whole close frame with a code, which the library writes at once.
func frame(code int) string {
	payload := websocket.FormatCloseMessage(code, invalidReason)
	return "\x88" + string(rune(len(payload))) + string(payload)
}

// Write has the code put right.
func (c conn) Write(p []byte) (int, error) {
	if string(p) == protocolError {
		return c.Conn.Write([]byte(invalidPayload)) // as long
	}
	return c.Conn.Write(p)
}
