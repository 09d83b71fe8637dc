package ingest

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"axion/services/contract"
	"axion/services/host"
)

// retryAfter is what a client is told to wait, in seconds, when the broker is
// away, or has too much to do.
const retryAfter = 1

// Accepted is the answer to events that were published.
type Accepted struct {
	Accepted int       `json:"accepted" doc:"How many events the request held."`
	Items    []Receipt `json:"items" doc:"Where each of them is, in their order."`
}

type acceptedOutput struct {
	Status int
	Body   Accepted
}

// topicQuery is for those who look for a choice of topics. Huma does not read
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

// keepRequest lets the handler read headers and body by itself. Requests in the shape
// of REST proxies have a handler of their own, and those that are sent again with
// their key get their first answer.
func (s *service) keepRequest(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	s.repeats.through(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isREST(r.Header) {
			topic := r.PathValue("topic")
			if topic == "" {
				topic = contract.EventsTopic
			}
			s.produce(w, r, topic)
			return
		}
		next(huma.WithValue(humago.NewContext(ctx.Operation(), r, w), requestKey{}, r))
	}))
}

func (s *service) routes() {
	op := huma.Operation{
		OperationID: "publish-events", Method: http.MethodPost, Path: "/api/events", DefaultStatus: http.StatusAccepted,
		Summary: "Publish CloudEvents.",
		Description: "Takes CloudEvents 1.0 in structured, batched and binary mode. Answers once the broker has acknowledged " +
			"all of them; 207 tells which it has not. An event with the source and id of one that was accepted in the last 24 hours gets the " +
			"same receipt, " +
			"and is not published again.",
		// The handler refuses topics, with 403 and why.
		SkipValidateParams: true, Middlewares: huma.Middlewares{s.keepRequest},
		Errors: []int{http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}
	host.Handle(s.host, op, s.post)
	op.OperationID, op.Path, op.Summary = "publish-events-on-topic", "/topics/{topic}", "Publish CloudEvents; the topic is axion.events."
	host.Handle(s.host, op, s.postTopic)
	// Described afterwards: huma would read and check a body that it knows of.
	for _, path := range []string{"/api/events", "/topics/{topic}"} {
		s.host.API.OpenAPI().Paths[path].Post.RequestBody = requestBody()
	}
	s.host.Mux.HandleFunc("OPTIONS /api/events", handshake)
	s.schemaRoutes()
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

func (s *service) post(ctx context.Context, in *topicQuery) (*acceptedOutput, error) {
	return s.accept(ctx, in.Topic)
}

func (s *service) postTopic(ctx context.Context, in *topicPath) (*acceptedOutput, error) {
	return s.accept(ctx, append(in.Topic, in.Name))
}

const errOrigin = "a page from elsewhere must not publish events"

func closedTopic(topic string) string {
	return "topic " + strconv.Quote(topic) + " is not open to clients: commands, replies, dead letters and " +
		"internal topics are never reachable over HTTP; events go to " + contract.EventsTopic
}

// accept publishes a request's events, if it is allowed to.
func (s *service) accept(ctx context.Context, topics []string) (*acceptedOutput, error) {
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
	if err := s.fit(ctx, r.Header, events); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	receipts, good, err := s.publish(ctx, items(events))
	if err != nil {
		return nil, s.refuse(ctx, err)
	}
	out := &acceptedOutput{Status: http.StatusAccepted, Body: Accepted{Accepted: good, Items: receipts}}
	if good < len(receipts) {
		out.Status = http.StatusMultiStatus
	}
	return out, nil
}

// refuse says that the events are not known to be published.
func (s *service) refuse(ctx context.Context, err error) error {
	s.host.Log.WarnContext(ctx, "events not acknowledged", "error", err)
	status := http.StatusServiceUnavailable
	if errors.Is(err, errBusy) {
		status = http.StatusTooManyRequests
	}
	return huma.ErrorWithHeaders(
		problem(status, s.reason(err)+"; send the events again: those that were published meanwhile are not published twice"),
		http.Header{"Retry-After": {strconv.Itoa(retryAfter)}})
}

// reason is what a client is told.
func (s *service) reason(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "the broker did not acknowledge within " + s.wait.String()
	case errors.Is(err, errBusy):
		return errBusy.Error()
	case errors.Is(err, errStopped):
		return errStopped.Error()
	case errors.Is(err, errHeld):
		return errHeld.Error()
	}
	return "the broker does not take events now"
}

// handshake lets a webhook's sender ask whether its events are welcome
// (CloudEvents' HTTP web hooks, section 4).
func handshake(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "OPTIONS, POST")
	if origin := r.Header.Get("WebHook-Request-Origin"); origin != "" {
		w.Header().Set("WebHook-Allowed-Origin", origin)
		w.Header().Set("WebHook-Allowed-Rate", "*")
	}
	w.WriteHeader(http.StatusNoContent)
}
