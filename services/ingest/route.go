package ingest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"axion/services/contract"
	"axion/services/host"
)

// Accepted is the answer to events that were published.
type Accepted struct {
	Accepted int       `json:"accepted" doc:"How many events the request held."`
	Items    []Receipt `json:"items" doc:"Where each of them is, in their order."`
}

type acceptedOutput struct {
	Status int
	Body   Accepted
}

// topicQuery is for clients that expect a choice of topics. Huma does not read
// the body: which of the forms it has depends on the headers.
type topicQuery struct {
	Topic []string `query:"topic,explode" enum:"axion.events" doc:"Not needed; any other topic is refused."`
}

// topicPath is the address that Kafka's REST proxies have.
type topicPath struct {
	topicQuery
	Name string `path:"topic" doc:"Any other topic than axion.events is refused."`
}

type requestKey struct{}

// eventHandlers answer requests to publish events.
type eventHandlers struct {
	publisher   *publisher
	idempotency *idempotencyCache
	schemas     *schemaCheck
	rest        *restProxy
	log         *slog.Logger
}

// keepRequest lets the handler read headers and body by itself. Requests in the shape
// of REST proxies have a handler of their own, and those that are sent again with
// their key get their first answer.
func (e *eventHandlers) keepRequest(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	e.idempotency.serve(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isREST(r.Header) {
			topic := r.PathValue("topic")
			if topic == "" {
				topic = contract.EventsTopic
			}
			e.rest.produce(w, r, topic)
			return
		}
		next(huma.WithValue(humago.NewContext(ctx.Operation(), r, w), requestKey{}, r))
	}))
}

// register adds the operations to a service.
func (e *eventHandlers) register(service *host.Host) {
	op := huma.Operation{
		OperationID: "publish-events", Method: http.MethodPost, Path: "/api/events", DefaultStatus: http.StatusAccepted,
		Summary: "Publish CloudEvents.",
		Description: "Accepts CloudEvents 1.0 in structured, batched and binary mode. Answers once the broker has acknowledged " +
			"all of them; 207 says which it has not. An event with the source and id of one that was accepted in the last 24 hours gets the " +
			"same receipt, " +
			"and is not published again.",
		// The handler refuses topics, with 403 and why.
		SkipValidateParams: true, Middlewares: huma.Middlewares{e.keepRequest},
		Errors: []int{http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}
	host.Handle(service, op, e.post)
	op.OperationID, op.Path, op.Summary = "publish-events-on-topic", "/topics/{topic}", "Publish CloudEvents; the topic is axion.events."
	host.Handle(service, op, e.postTopic)
	// Described afterwards: huma would read and check a body that it knows of.
	for _, path := range []string{"/api/events", "/topics/{topic}"} {
		service.API.OpenAPI().Paths[path].Post.RequestBody = requestBody()
	}
	service.Mux.HandleFunc("OPTIONS /api/events", webhookHandshake)
}

func requestBody() *huma.RequestBody {
	object := &huma.Schema{
		Type: "object", Required: []string{"specversion", "id", "source", "type"}, AdditionalProperties: true,
		Properties: map[string]*huma.Schema{
			"specversion": {Type: "string", Enum: []any{specVersion}}, "id": {Type: "string"},
			"source": {Type: "string", Format: "uri-reference"}, "type": {Type: "string"},
		},
	}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/cloudevents+json":       {Schema: object},
		"application/cloudevents-batch+json": {Schema: &huma.Schema{Type: "array", Items: object, MaxItems: new(maxBatch)}},
		"*/*":                                {Schema: &huma.Schema{Description: "The data of an event whose attributes are ce- headers."}},
	}}
}

func (e *eventHandlers) post(ctx context.Context, in *topicQuery) (*acceptedOutput, error) {
	return e.accept(ctx, in.Topic)
}

func (e *eventHandlers) postTopic(ctx context.Context, in *topicPath) (*acceptedOutput, error) {
	return e.accept(ctx, append(in.Topic, in.Name))
}

// accept publishes a request's events, if it is allowed to.
func (e *eventHandlers) accept(ctx context.Context, topics []string) (*acceptedOutput, error) {
	r, ok := ctx.Value(requestKey{}).(*http.Request)
	if !ok {
		return nil, errors.New("no request in the context")
	}
	if !host.LocalOrigin(r) {
		return nil, problem(http.StatusForbidden, errOrigin)
	}
	for _, topic := range topics {
		if topic != contract.EventsTopic {
			return nil, problem(http.StatusForbidden, closedTopic(topic))
		}
	}
	events, wrong := read(r.Header, r.Body)
	if wrong != nil {
		return nil, wrong
	}
	if err := e.schemas.validate(ctx, r.Header, events); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.publisher.wait)
	defer cancel()
	receipts, good, err := e.publisher.publish(ctx, items(events))
	if err != nil {
		return nil, e.refuse(ctx, err)
	}
	out := &acceptedOutput{Status: http.StatusAccepted, Body: Accepted{Accepted: good, Items: receipts}}
	if good < len(receipts) {
		out.Status = http.StatusMultiStatus
	}
	return out, nil
}

// refuse says that the events are not known to be published.
func (e *eventHandlers) refuse(ctx context.Context, err error) error {
	e.log.WarnContext(ctx, "events not acknowledged", "error", err)
	status := http.StatusServiceUnavailable
	if errors.Is(err, errBusy) {
		status = http.StatusTooManyRequests
	}
	return huma.ErrorWithHeaders(
		problem(status, e.publisher.reason(err)+"; send the events again: those that were published meanwhile are not published twice"),
		http.Header{"Retry-After": {strconv.Itoa(retryAfter)}})
}

// webhookHandshake answers a webhook's sender that its events are accepted
// (CloudEvents' HTTP web hooks, section 4).
func webhookHandshake(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "OPTIONS, POST")
	if origin := r.Header.Get("WebHook-Request-Origin"); origin != "" {
		w.Header().Set("WebHook-Allowed-Origin", origin)
		w.Header().Set("WebHook-Allowed-Rate", "*")
	}
	w.WriteHeader(http.StatusNoContent)
}
