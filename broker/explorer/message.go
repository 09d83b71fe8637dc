package explorer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// previewBytes is how much of a value a list shows; detailBytes is how much of
	// one that is looked at by itself. Both are cut with the size reported.
	previewBytes = 16 << 10
	detailBytes  = 1 << 20
	// headerBytes and maxHeaders bound what is shown of headers.
	headerBytes = 4 << 10
	maxHeaders  = 100
)

// Kinds of content: what Value of a [Message] or [Header], or Key, holds.
const (
	KindJSON   = "json"   // a JSON text, as it was written
	KindText   = "text"   // UTF-8 without control characters
	KindBinary = "binary" // anything else, in base64
	KindNull   = "null"   // nothing: not even an empty value
)

// Message is a record as people read it.
type Message struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Time      time.Time `json:"time"`
	Key       string    `json:"key"`
	KeyKind   string    `json:"keyKind" enum:"text,binary,null" doc:"What key holds: a text, base64, or nothing."`
	Headers   []Header  `json:"headers"`
	Value     string    `json:"value" doc:"The value's text as it was written, or base64."`
	Kind      string    `json:"kind" enum:"json,text,binary,null" doc:"What value holds: a JSON text, another text, base64, or nothing."`
	// Size is that of the whole value, in bytes; Cut says that Value is only its
	// beginning.
	Size    int    `json:"size" doc:"Bytes of the whole value."`
	Cut     bool   `json:"cut,omitempty" doc:"Value is only the beginning."`
	TraceID string `json:"traceId,omitempty" doc:"Of the header traceparent."`
	// Undecodable says why what is shown is no message, but a whole batch that
	// nobody can decode, whose bytes Value are.
	Undecodable string `json:"undecodable,omitempty" doc:"Why this is no message, but a whole batch that cannot be decoded, whose bytes value holds."`
}

// Header is one header of a [Message]. Names may repeat.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Kind  string `json:"kind" enum:"text,binary,null"`
	Cut   bool   `json:"cut,omitempty"`
}

// messageOf shows at most so many bytes of a record's value.
func messageOf(r *kgo.Record, most int) Message {
	m := Message{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Timestamp.UTC(),
		Headers: make([]Header, 0, len(r.Headers)), Size: len(r.Value), TraceID: traceOf(r),
	}
	if b := undecodedBatch(r); b != nil {
		m.Undecodable = b.Error()
	}
	m.Key, m.KeyKind, _ = preview(r.Key, headerBytes)
	m.Value, m.Kind, m.Cut = preview(r.Value, most)
	if m.Kind == KindText && len(r.Value) <= detailBytes && json.Valid(r.Value) {
		m.Kind = KindJSON
	}
	for _, h := range r.Headers[:min(len(r.Headers), maxHeaders)] {
		header := Header{Name: strings.ToValidUTF8(h.Key, "\uFFFD")}
		header.Value, header.Kind, header.Cut = preview(h.Value, headerBytes)
		m.Headers = append(m.Headers, header)
	}
	return m
}

// preview is content as a text of at most so many bytes of it.
func preview(content []byte, most int) (text, kind string, cut bool) {
	if content == nil {
		return "", KindNull, false
	}
	cut = len(content) > most
	part := content[:min(len(content), most)]
	if cut { // not in the middle of a character
		for i := 0; i < utf8.UTFMax && len(part) > 0 && !utf8.Valid(part); i++ {
			part = part[:len(part)-1]
		}
	}
	if isText(part) {
		return string(part), KindText, cut
	}
	part = content[:min(len(content), most/3*3)]
	return base64.StdEncoding.EncodeToString(part), KindBinary, cut
}

func isText(content []byte) bool {
	control := func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f }
	return utf8.Valid(content) && bytes.IndexFunc(content, control) < 0
}

// traceOf reads the trace's id from a W3C traceparent.
func traceOf(r *kgo.Record) string {
	for _, h := range r.Headers {
		if h.Key != "traceparent" {
			continue
		}
		parts := strings.Split(string(h.Value), "-")
		if len(parts) >= 4 && len(parts[1]) == 32 && strings.Trim(parts[1], "0123456789abcdef") == "" {
			return parts[1]
		}
	}
	return ""
}
