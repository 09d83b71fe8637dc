package telemetry

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"

	collectorlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// MaxRequest bounds an OTLP request, decompressed, in bytes.
const MaxRequest = 4 << 20

// Handler receives traces and logs by OTLP over HTTP (OTLP 1.x): POST /v1/traces
// and /v1/logs, as protobuf or JSON, gzip or not. Metrics are accepted, and dropped.
func (s *Store) Handler() http.Handler {
	mux := http.NewServeMux()
	for name, signal := range signals {
		mux.HandleFunc("POST /v1/"+name, func(w http.ResponseWriter, r *http.Request) { s.receive(w, r, signal) })
	}
	return mux
}

// refusal is an error with the status that it is answered with.
type refusal struct {
	status int
	text   string
}

func (e *refusal) Error() string { return e.text }

func refuse(w http.ResponseWriter, err error) {
	var r *refusal
	if !errors.As(err, &r) {
		r = &refusal{http.StatusBadRequest, err.Error()}
	}
	http.Error(w, r.text, r.status)
}

// receive takes one request. It has its turn to decode once all of it is there: a
// sender that stops half way keeps nobody waiting.
func (s *Store) receive(w http.ResponseWriter, r *http.Request, of signal) {
	raw, release, err := s.read(w, r)
	defer release()
	if err != nil {
		refuse(w, err)
		return
	}
	if s.intake.acquire(r.Context()) != nil {
		return // the sender is gone
	}
	defer s.intake.releaseSlot()
	body, err := decompress(raw, r.Header.Get("Content-Encoding"))
	if err != nil {
		refuse(w, err)
		return
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	req := of.request()
	marshal := proto.Marshal
	switch kind {
	case "application/x-protobuf":
		if err = checkFields(body, req); err == nil {
			err = proto.Unmarshal(body, req)
		}
	case "application/json":
		marshal = protojson.Marshal
		if err = checkJSON(body); err == nil {
			err = unmarshalJSON(body, req)
		}
	default:
		err = &refusal{http.StatusUnsupportedMediaType, "Content-Type must be application/x-protobuf or application/json"}
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer, err := marshal(of.take(s, req))
	if err != nil {
		refuse(w, &refusal{http.StatusInternalServerError, err.Error()})
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(answer) // the client may be gone
}

var errCrowded = &refusal{http.StatusServiceUnavailable,
	fmt.Sprintf("more than %d bytes of unfinished requests are held: send it again", maxReading)}

func tooLarge() error {
	return &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d bytes", MaxRequest)}
}

// read gives a request's body as it was sent. It counts towards what all unfinished
// requests hold until it is released.
func (s *Store) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	held := 0
	release = func() { s.intake.release(held) }
	from, chunk := http.MaxBytesReader(w, r.Body, MaxRequest), make([]byte, 16<<10)
	for {
		n, err := from.Read(chunk)
		held += n
		if !s.intake.hold(n) {
			w.Header().Set("Retry-After", "1")
			return nil, release, errCrowded
		}
		body = append(body, chunk[:n]...)
		var large *http.MaxBytesError
		switch {
		case errors.Is(err, io.EOF):
			return body, release, nil
		case errors.As(err, &large):
			return nil, release, tooLarge()
		case isTimeout(err):
			return nil, release, &refusal{http.StatusRequestTimeout, "the body did not come in time"}
		case err != nil:
			return nil, release, &refusal{http.StatusBadRequest, "the body is malformed or broke off"}
		}
	}
}

func isTimeout(err error) bool {
	late, ok := errors.AsType[net.Error](err)
	return ok && late.Timeout()
}

// decompress gives a body as its sender meant it, within its bound.
func decompress(raw []byte, encoding string) ([]byte, error) {
	switch encoding {
	case "", "identity":
		return raw, nil
	case "gzip":
	default:
		return nil, &refusal{http.StatusUnsupportedMediaType, "Content-Encoding must be gzip, or none"}
	}
	text, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(text, MaxRequest+1))
	if len(body) > MaxRequest {
		return nil, tooLarge()
	}
	return body, err
}

// unmarshalJSON reads OTLP's JSON form, in which ids are hexadecimal and not, as
// in protobuf's own, base64.
func unmarshalJSON(body []byte, req proto.Message) error {
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, req); err != nil {
		return err
	}
	switch req := req.(type) {
	case *collector.ExportTraceServiceRequest:
		unhexSpans(req)
	case *collectorlogs.ExportLogsServiceRequest:
		for _, resource := range req.GetResourceLogs() {
			for _, scope := range resource.GetScopeLogs() {
				for _, record := range scope.GetLogRecords() {
					record.TraceId, record.SpanId = unhex(record.TraceId), unhex(record.SpanId)
				}
			}
		}
	}
	return nil
}

func unhexSpans(req *collector.ExportTraceServiceRequest) {
	for _, resource := range req.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				span.TraceId, span.SpanId, span.ParentSpanId = unhex(span.TraceId), unhex(span.SpanId), unhex(span.ParentSpanId)
				for _, l := range span.GetLinks() {
					l.TraceId, l.SpanId = unhex(l.TraceId), unhex(l.SpanId)
				}
			}
		}
	}
}

// unhex takes back what protojson made of hexadecimal digits, which are base64
// too: it decoded them as that.
func unhex(id []byte) []byte {
	raw, err := hex.DecodeString(base64.StdEncoding.EncodeToString(id))
	if err != nil {
		return nil
	}
	return raw
}
