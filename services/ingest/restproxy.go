package ingest

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
)

// The error codes of Kafka's REST proxies, API v2.
const (
	codeBadRequest  = 40002
	codeBusy        = 429
	codeForbidden   = 40301
	codeNoPartition = 40402
	codeTooLarge    = 41301
	codeMediaType   = 415
	codeJSON        = 42203
	codePayload     = 42206
	codeBatch       = 42208
	codeRetriable   = 50003
	codeBroker      = 50302
)

const (
	restJSON   = "application/vnd.kafka.json.v2+json"
	restBinary = "application/vnd.kafka.binary.v2+json"
	restAnswer = "application/vnd.kafka.v2+json"
)

// restError is the body of a REST proxy's error.
type restError struct {
	Status  int    `json:"-"`
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

func (e *restError) Error() string { return e.Message }

func restFail(status, code int, message string) *restError { return &restError{status, code, message} }

// restRecord is one record of a request. Key and Value are JSON, or base64.
type restRecord struct {
	Key       json.RawMessage `json:"key"`
	Value     json.RawMessage `json:"value"`
	Partition *int32          `json:"partition"`
}

// offset is where one record went, or why it did not.
type offset struct {
	Partition *int32  `json:"partition"`
	Offset    *int64  `json:"offset"`
	Code      *int    `json:"error_code"`
	Error     *string `json:"error"`
}

// offsets is the answer, in the order of the records.
type offsets struct {
	Offsets       []offset `json:"offsets"`
	KeySchemaID   *int     `json:"key_schema_id"`
	ValueSchemaID *int     `json:"value_schema_id"`
}

// isREST reports whether a request has the shape of Kafka's REST proxies.
func isREST(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "application/vnd.kafka.")
}

// restProxy answers requests in the shape of Kafka's REST proxies.
type restProxy struct {
	bus       *bus.Bus
	log       *slog.Logger
	publisher *publisher
}

// produce answers a request in the shape of Kafka's REST proxies (v2). Unlike theirs
// the status says that records failed: 207 where some failed, 503 where all did.
func (p *restProxy) produce(w http.ResponseWriter, r *http.Request, topic string) {
	answer, status, err := p.produceAll(r, topic)
	w.Header().Set("Content-Type", restAnswer)
	if err != nil {
		if err.Status == http.StatusServiceUnavailable || err.Status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		}
		w.WriteHeader(err.Status)
		_ = json.NewEncoder(w).Encode(err) // the client may be gone
		return
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (p *restProxy) produceAll(r *http.Request, topic string) (*offsets, int, *restError) {
	if !host.LocalOrigin(r) {
		return nil, 0, restFail(http.StatusForbidden, codeForbidden, errOrigin)
	}
	if topic != contract.EventsTopic {
		return nil, 0, restFail(http.StatusForbidden, codeForbidden, closedTopic(topic))
	}
	records, fail := readRecords(r)
	if fail != nil {
		return nil, 0, fail
	}
	ctx, cancel := context.WithTimeout(r.Context(), p.publisher.wait)
	defer cancel()
	if fail := p.checkPartitions(ctx, records); fail != nil {
		return nil, 0, fail
	}
	if name := nameOf(r.Context()); name != "" {
		return p.sendOnce(ctx, name, records)
	}
	size := 0
	for i := range records {
		size += records[i].Size()
	}
	if err := p.publisher.inFlight.reserve(size); err != nil {
		return nil, 0, restFail(http.StatusTooManyRequests, codeBusy, err.Error())
	}
	return p.sendRecords(ctx, records, size)
}

// readRecords reads the body, in JSON or base64.
func readRecords(r *http.Request) ([]bus.Record, *restError) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != restJSON && media != restBinary {
		return nil, restFail(http.StatusUnsupportedMediaType, codeMediaType,
			"of the embedded formats "+restJSON+" and "+restBinary+" are understood")
	}
	raw, unread := host.ReadBody(r.Body, maxBody)
	switch {
	case unread != nil:
		code := map[int]int{http.StatusRequestEntityTooLarge: codeTooLarge, http.StatusBadRequest: codeBadRequest}[unread.Status]
		return nil, restFail(unread.Status, cmp.Or(code, unread.Status), unread.Detail)
	case !validJSON(raw):
		return nil, restFail(http.StatusBadRequest, codeBadRequest, errNotJSON.Error())
	}
	var body struct{ Records []restRecord }
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, restFail(http.StatusUnprocessableEntity, codePayload,
			"the body is not {\"records\":[{\"key\",\"value\",\"partition\"}]}: "+contract.JSONError(err).Error())
	}
	if n := len(body.Records); n == 0 || n > maxBatch {
		return nil, restFail(http.StatusUnprocessableEntity, codeBatch, strconv.Itoa(n)+" records: send 1 to "+strconv.Itoa(maxBatch))
	}
	limit := bus.MaxMessage
	if nameOf(r.Context()) != "" {
		limit -= headerKeyBytes
	}
	var list []bus.Record
	for i, given := range body.Records {
		record, err := given.record(media == restBinary)
		if err != nil {
			return nil, restFail(http.StatusUnprocessableEntity, codeJSON, "records["+strconv.Itoa(i)+"]: "+err.Error())
		}
		if size := record.Size(); size > limit {
			return nil, restFail(http.StatusRequestEntityTooLarge, codeTooLarge,
				"records["+strconv.Itoa(i)+"]: "+strconv.Itoa(size)+" bytes, at most "+strconv.Itoa(limit))
		}
		list = append(list, record)
	}
	return list, nil
}

// once are records that are published once under the name of their request, which each
// of them carries with its number in the request.
func once(name string, records []bus.Record) []item {
	all := make([]item, len(records))
	for i, r := range records {
		id := name + "/" + strconv.Itoa(i)
		r.Headers = append(r.Headers, bus.Header{Key: headerKey, Value: []byte(id)})
		all[i] = item{identity{id: id}, r}
	}
	return all
}

// sendOnce is sendRecords for a request with an Idempotency-Key.
func (p *restProxy) sendOnce(ctx context.Context, name string, records []bus.Record) (*offsets, int, *restError) {
	receipts, good, err := p.publisher.publish(ctx, once(name, records))
	switch {
	case errors.Is(err, errBusy):
		return nil, 0, restFail(http.StatusTooManyRequests, codeBusy, err.Error())
	case err != nil:
		p.log.WarnContext(ctx, "records not acknowledged", "error", err)
		return nil, 0, restFail(http.StatusServiceUnavailable, codeBroker, p.publisher.reason(err))
	}
	out, status := &offsets{Offsets: make([]offset, len(receipts))}, http.StatusOK
	for i := range receipts {
		r, code := &receipts[i], codeRetriable
		if r.Status == 0 {
			out.Offsets[i] = offset{Partition: &r.Partition, Offset: &r.Offset}
		} else {
			out.Offsets[i] = offset{Code: &code, Error: &r.Error}
		}
	}
	if good < len(receipts) {
		status = http.StatusMultiStatus
	}
	return out, status, nil
}

// record is what goes to Kafka. In JSON form that is the JSON itself, as with the
// proxies: the key "a" is three bytes.
func (r *restRecord) record(binary bool) (bus.Record, error) {
	out := bus.Record{Topic: contract.EventsTopic, Partition: r.Partition}
	if r.Partition != nil && *r.Partition < 0 {
		return out, errors.New("partition is negative")
	}
	key, value := present(r.Key), present(r.Value)
	if !binary {
		out.Headers = bus.Headers{{Key: "content-type", Value: []byte("application/json")}}
		out.Key, out.Value = string(key), value
		return out, nil
	}
	text, err := decode64(key)
	if err != nil {
		return out, errors.New("key is not a string in base64")
	}
	out.Key = string(text)
	if out.Value, err = decode64(value); err != nil {
		return out, errors.New("value is not a string in base64")
	}
	return out, nil
}

// decode64 keeps null as nil, and no bytes as none.
func decode64(raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return nil, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(text)
	return append([]byte{}, b...), err
}

func (p *restProxy) checkPartitions(ctx context.Context, records []bus.Record) *restError {
	highest := int32(-1)
	for _, r := range records {
		if r.Partition != nil {
			highest = max(highest, *r.Partition)
		}
	}
	if highest < 0 {
		return nil
	}
	n, err := p.bus.Topic(contract.EventsTopic).Partitions(ctx)
	if err != nil {
		p.log.Warn("partitions not known", "error", err)
		return restFail(http.StatusServiceUnavailable, codeBroker, "the broker does not answer now")
	}
	if int(highest) >= n {
		return restFail(http.StatusNotFound, codeNoPartition,
			"partition "+strconv.Itoa(int(highest))+" does not exist: there are "+strconv.Itoa(n))
	}
	return nil
}

// sendRecords sends in order and waits for the broker's answer for each. What it has
// begun goes on when ctx ends, and counts as in flight until then.
func (p *restProxy) sendRecords(ctx context.Context, records []bus.Record, size int) (*offsets, int, *restError) {
	acks := make(chan ack, len(records))
	p.publisher.inFlight.group.Go(func() {
		defer p.publisher.inFlight.release(size)
		done := make(chan struct{}, len(records))
		for i, r := range records {
			p.bus.Forward(context.WithoutCancel(ctx), r, func(partition int32, at int64, err error) {
				acks <- ack{i, partition, at, err}
				done <- struct{}{}
			})
		}
		for range records {
			select {
			case <-done:
			case <-p.publisher.inFlight.running.Done():
				return
			}
		}
	})
	out := &offsets{Offsets: make([]offset, len(records))}
	late, why := codeRetriable, "the broker did not acknowledge within "+p.publisher.wait.String()
	for i := range out.Offsets {
		out.Offsets[i] = offset{Code: &late, Error: &why}
	}
	good := 0
	for range records {
		select {
		case a := <-acks:
			if a.err == nil {
				good++
				out.Offsets[a.index] = offset{Partition: &a.partition, Offset: &a.offset}
			} else {
				code, text := codeBroker, a.err.Error()
				out.Offsets[a.index] = offset{Code: &code, Error: &text}
			}
			continue
		case <-ctx.Done():
		case <-p.publisher.inFlight.running.Done():
		}
		break
	}
	switch good {
	case len(records):
		return out, http.StatusOK, nil
	case 0:
		return nil, 0, restFail(http.StatusServiceUnavailable, codeBroker, *out.Offsets[0].Error)
	}
	return out, http.StatusMultiStatus, nil
}
