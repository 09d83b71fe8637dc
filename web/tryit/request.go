// Package tryit sends requests that a person writes in the page through the gateway.
package tryit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/net/http/httpguts"
)

// Bounds of a request that a person writes, in bytes.
const (
	MaxRequest = 1 << 20   // of the whole call to /api/requests
	MaxAnswer  = 512 << 10 // of the answer's body that is passed on
	maxHeaders = 64        // headers, by number
)

// Sender sends requests that a person writes through the gateway. It is safe for concurrent use.
type Sender struct {
	transport *GatewayTransport
	client    *http.Client
}

// NewSender makes a sender whose requests all lead through t.
func NewSender(t *GatewayTransport) *Sender { return &Sender{t, t.client()} }

// Close releases idle connections.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Register adds the operation that sends a request.
func (s *Sender) Register(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "send-request", Method: http.MethodPost, Path: "/api/requests",
		Summary: "Send a request through the gateway, and tell its answer",
		Description: "The request goes to this stack's gateway whatever host its URL names. Redirects are answers and are not followed. " +
			"An answer that does not end, such as a stream, is cut off at the bound of its size or time.",
		MaxBodyBytes: MaxRequest, Security: []map[string][]string{{"token": {}}},
		Errors: []int{http.StatusUnprocessableEntity, http.StatusBadGateway, http.StatusGatewayTimeout},
	}, s.send)
}

// requestInput is a request to send.
type requestInput struct {
	Body struct {
		Method  string            `json:"method,omitempty" default:"GET" maxLength:"32" doc:"Any HTTP method but CONNECT."`
		URL     string            `json:"url" maxLength:"8192" doc:"Absolute; https where it names no scheme. Its port must be one of the gateway's, or none."`
		Headers map[string]string `json:"headers,omitempty" doc:"Host overrides the URL's; those of the connection itself are refused."`
		Body    string            `json:"body,omitempty" doc:"Sent as it is."`
		Auth    bool              `json:"auth,omitempty" doc:"Send the development user's token, unless there is an Authorization header."`
	}
}

// requestOutput is the answer of the operation.
type requestOutput struct{ Body RequestAnswer }

// RequestAnswer is what came back.
type RequestAnswer struct {
	Status    int         `json:"status"`
	Protocol  string      `json:"protocol" example:"HTTP/2.0"`
	Headers   http.Header `json:"headers"`
	Body      string      `json:"body"`
	Encoding  string      `json:"encoding" enum:"text,base64" doc:"How body is written; base64 where it is not UTF-8 text."`
	Bytes     int         `json:"bytes" doc:"How many bytes of the body are here."`
	Truncated bool        `json:"truncated" doc:"More would follow, or the time was up."`
	MS        float64     `json:"ms" doc:"From the first byte sent to the last one here, in milliseconds."`
	FirstMS   float64     `json:"firstMs" doc:"From the first byte sent to the answer's headers, in milliseconds."`
	TraceID   string      `json:"traceId" doc:"The trace that the request began."`
	RequestID string      `json:"requestId" doc:"The gateway's X-Request-Id."`
}

func (s *Sender) send(ctx context.Context, in *requestInput) (*requestOutput, error) {
	req, trace, err := s.build(ctx, in)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	res, err := s.client.Do(req)
	if err != nil {
		return nil, gatewayError(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer := RequestAnswer{
		Status: res.StatusCode, Protocol: res.Proto, Headers: res.Header, FirstMS: since(began),
		TraceID: trace, RequestID: res.Header.Get("X-Request-Id"),
	}
	content, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	answer.Truncated = err != nil || len(content) > MaxAnswer
	content = content[:min(len(content), MaxAnswer)]
	answer.MS, answer.Bytes = since(began), len(content)
	answer.Body, answer.Encoding = encodeBody(content, answer.Truncated)
	return &requestOutput{answer}, nil
}

// build makes the request, with a trace of its own.
func (s *Sender) build(ctx context.Context, in *requestInput) (*http.Request, string, error) {
	b := in.Body
	u, err := s.transport.target(b.URL)
	if err != nil {
		return nil, "", invalidField("url", err.Error())
	}
	if b.Method = strings.ToUpper(b.Method); b.Method == http.MethodConnect {
		return nil, "", invalidField("method", "CONNECT would open a tunnel: it is not sent")
	}
	ctx = context.WithValue(ctx, schemeKey{}, u.Scheme)
	req, err := http.NewRequestWithContext(ctx, b.Method, u.String(), bytes.NewReader([]byte(b.Body)))
	if err != nil {
		return nil, "", invalidField("method", "the method is not one")
	}
	if err := setHeaders(req, b.Headers); err != nil {
		return nil, "", err
	}
	if b.Auth && req.Header.Get("Authorization") == "" {
		if err := s.authorize(ctx, req); err != nil {
			return nil, "", err
		}
	}
	id := make([]byte, 24)
	_, _ = rand.Read(id) // never fails
	trace := hex.EncodeToString(id[:16])
	if given := strings.Split(req.Header.Get("Traceparent"), "-"); len(given) == 4 && len(given[1]) == 32 {
		return req, given[1], nil
	}
	req.Header.Set("Traceparent", fmt.Sprintf("00-%s-%x-01", trace, id[16:]))
	return req, trace, nil
}

// connectionHeaders are headers of a connection, which is not the request's to shape.
var connectionHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true, "Te": true, "Keep-Alive": true,
	"Proxy-Connection": true, "Proxy-Authorization": true, "Upgrade": true,
}

func setHeaders(req *http.Request, headers map[string]string) error {
	if len(headers) > maxHeaders {
		return invalidField("headers", fmt.Sprintf("more than %d headers", maxHeaders))
	}
	for name, value := range headers {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value):
			return invalidField("headers", fmt.Sprintf("%q is not a header that can be sent", name))
		case connectionHeaders[canonical]:
			return invalidField("headers", canonical+" belongs to the connection: it cannot be set")
		case canonical == "Host" && !httpguts.ValidHostHeader(value):
			return invalidField("headers", fmt.Sprintf("%q is not a host", value))
		case canonical == "Host":
			req.Host = value
		default:
			req.Header.Set(name, value)
		}
	}
	return nil
}

func (s *Sender) authorize(ctx context.Context, req *http.Request) error {
	token := ""
	if s.transport.Token != nil {
		var err error
		if token, err = s.transport.Token(ctx); err != nil {
			return huma.Error502BadGateway("get the development token: " + err.Error())
		}
	}
	if token == "" {
		return invalidField("auth", "this stack has no development token: its auth-service does not run here")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// invalidField refuses a request for one of its fields.
func invalidField(field, why string) error {
	return huma.Error422UnprocessableEntity(why, &huma.ErrorDetail{Location: "body." + field, Message: why})
}

// gatewayError says why there is no answer.
func gatewayError(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		if wrapped.Timeout() {
			return huma.Error504GatewayTimeout(fmt.Sprintf("no answer within %s", timeout))
		}
		err = wrapped.Err
	}
	return huma.Error502BadGateway("the gateway gave no answer: " + err.Error())
}

// encodeBody gives a body as text where it is text. The last rune of one that was cut
// off may be cut in two.
func encodeBody(content []byte, cut bool) (text, encoding string) {
	whole := content
	for i := 0; cut && i < utf8.UTFMax-1 && len(whole) > 0 && !utf8.Valid(whole); i++ {
		whole = whole[:len(whole)-1]
	}
	if utf8.Valid(whole) && bytes.IndexByte(whole, 0) < 0 {
		return string(whole), "text"
	}
	return base64.StdEncoding.EncodeToString(content), "base64"
}

// since gives milliseconds, to the microsecond.
func since(t time.Time) float64 { return float64(time.Since(t).Microseconds()) / 1000 }
