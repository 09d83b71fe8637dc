package middleware

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"slices"
	"strings"
)

// grpcWebWriter turns an answer of gRPC into one of gRPC-Web: trailers become the
// body's last frame, and in text mode the body becomes base64. Answers that are not
// gRPC pass.
type grpcWebWriter struct {
	http.ResponseWriter
	text bool

	status  int
	pass    bool
	sent    map[string]bool // names in the header that was sent
	encoder io.WriteCloser  // nil until a body is encoded
}

// trailerFrame marks a frame that holds trailers.
const trailerFrame = 1 << 7

// WriteHeader translates the header; informational ones pass as they are.
func (g *grpcWebWriter) WriteHeader(status int) {
	if status < 200 {
		g.ResponseWriter.WriteHeader(status)
		return
	}
	if g.status != 0 {
		return
	}
	g.status = status
	h := g.Header()
	contentType := h.Get(contentTypeHeader)
	if g.pass = !strings.HasPrefix(contentType, grpcType); g.pass {
		g.ResponseWriter.WriteHeader(status)
		return
	}
	to := grpcWebType
	if g.text {
		to = grpcWebTextType
	}
	h.Set(contentTypeHeader, strings.Replace(contentType, grpcType, to, 1))
	h.Del("Trailer") // they come in the body
	h.Del("Content-Length")
	g.expose(h)
	g.sent = make(map[string]bool, len(h))
	for name := range h {
		g.sent[name] = true
	}
	g.ResponseWriter.WriteHeader(status)
}

// expose lets scripts read the header.
func (g *grpcWebWriter) expose(h http.Header) {
	names := []string{"grpc-status", "grpc-message"}
	for name := range h {
		if !strings.HasPrefix(name, http.TrailerPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	h.Set("Access-Control-Expose-Headers", strings.Join(names, ", "))
}

// Write sends p, encoded in text mode.
func (g *grpcWebWriter) Write(p []byte) (int, error) {
	if g.status == 0 {
		g.WriteHeader(http.StatusOK)
	}
	if g.pass || !g.text {
		return g.ResponseWriter.Write(p)
	}
	if g.encoder == nil {
		g.encoder = base64.NewEncoder(base64.StdEncoding, g.ResponseWriter)
	}
	return g.encoder.Write(p)
}

// FlushError sends what is buffered, the header included. In text mode what
// follows is encoded by itself.
func (g *grpcWebWriter) FlushError() error {
	if g.status == 0 {
		g.WriteHeader(http.StatusOK)
	}
	if err := g.endText(); err != nil {
		return err
	}
	return http.NewResponseController(g.ResponseWriter).Flush()
}

// Unwrap lets [http.ResponseController] reach the connection.
func (g *grpcWebWriter) Unwrap() http.ResponseWriter { return g.ResponseWriter }

func (g *grpcWebWriter) endText() error {
	if g.encoder == nil {
		return nil
	}
	err := g.encoder.Close()
	g.encoder = nil
	return err
}

// finish sends the trailers. An answer that never began is left to whoever asked: a
// retry, say.
func (g *grpcWebWriter) finish() {
	if g.status == 0 || g.pass {
		return
	}
	if trailers := g.trailers(); len(trailers) > 0 {
		frame := append(binary.BigEndian.AppendUint32([]byte{trailerFrame}, uint32(len(trailers))), trailers...)
		_, _ = g.Write(frame)
	}
	_ = g.endText()
}

// trailers takes from the header what was set after it was sent.
func (g *grpcWebWriter) trailers() []byte {
	h := g.Header()
	late := make(http.Header)
	for name, values := range h {
		plain, prefixed := strings.CutPrefix(name, http.TrailerPrefix)
		if prefixed || !g.sent[name] {
			plain = strings.ToLower(plain)
			late[plain] = append(late[plain], values...)
			delete(h, name)
		}
	}
	var text bytes.Buffer
	_ = late.Write(&text)
	return text.Bytes()
}
