package frame

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// Prefix is the size of a frame, before it.
	Prefix = 4
	// MinHead is the least of a request: key, version, correlation, length of client id.
	MinHead = 2 + 2 + 4 + 2
)

// Request is the fixed part of a request, and where its body starts.
type Request struct {
	Key, Version int16
	Correlation  int32
	Body         int    // from the start of the frame, its prefix included
	Serial       uint64 // counts the requests of the connection, from 1 on
}

// ClientID is the id that a client gives itself, in a frame whose header was read.
func ClientID(frame []byte) string {
	const at = Prefix + MinHead
	n := int(int16(binary.BigEndian.Uint16(frame[at-2:])))
	if n <= 0 || at+n > len(frame) {
		return ""
	}
	return string(frame[at : at+n])
}

// Encode writes a request anew behind its header.
func Encode(head []byte, req kmsg.Request) []byte {
	return sized(req.AppendTo(append([]byte(nil), head...)))
}

// Stub is what kfake is asked in place of a request that it has no part in, so
// that responses keep their order: its versions, by the same correlation id.
func Stub(frame []byte) []byte {
	out := append([]byte(nil), frame[:Prefix+MinHead]...)
	binary.BigEndian.PutUint16(out[Prefix:], uint16(kmsg.ApiVersions))
	binary.BigEndian.PutUint16(out[Prefix+2:], 0)
	binary.BigEndian.PutUint16(out[Prefix+8:], 0) // no client id
	return sized(out)
}

// DecodeResponse reads a whole response, and returns where its body starts.
func DecodeResponse(p []byte, key, version int16) (resp kmsg.Response, body int, err error) {
	resp = kmsg.ResponseForKey(key)
	resp.SetVersion(version)
	body = ResponseBody(resp)
	if len(p) < body {
		return nil, 0, fmt.Errorf("%s answer of %d bytes", kmsg.NameForKey(key), len(p))
	}
	if err := resp.ReadFrom(p[body:]); err != nil {
		return nil, 0, fmt.Errorf("%s answer: %w", kmsg.NameForKey(key), err)
	}
	return resp, body, nil
}

// ResponseBody is where the body of a response starts: behind the header's tagged fields,
// of which kfake sends none.
func ResponseBody(resp kmsg.Response) int {
	if resp.IsFlexible() && kmsg.Key(resp.Key()) != kmsg.ApiVersions {
		return Prefix + 4 + 1
	}
	return Prefix + 4
}

// EncodeResponse writes a response anew behind its header.
func EncodeResponse(head []byte, resp kmsg.Response) []byte {
	return sized(resp.AppendTo(append([]byte(nil), head...)))
}

// sized writes the size of a frame into its prefix.
func sized(frame []byte) []byte {
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-Prefix))
	return frame
}
