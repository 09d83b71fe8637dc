package explorer

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/admin"
)

const (
	// apiTimeout bounds one call of the API.
	apiTimeout = 10 * time.Second
	// maxProduceBody bounds the body of a call that produces a message, in bytes.
	maxProduceBody = 2 << 20
)

// response is what an operation answers.
type response[T any] struct{ Body T }

// Register adds the operations on topics, messages and groups to the dashboard's
// API.
func (e *Explorer) Register(api huma.API) {
	describe := func(summary string) func(*huma.Operation) {
		return func(o *huma.Operation) { o.Summary, o.Tags = summary, []string{"topics"} }
	}
	const topic, message = "/api/topics/{topic}", "/api/topics/{topic}/messages/{partition}/{offset}"
	huma.Get(api, topic, e.getTopic, describe("Describe a topic"))
	huma.Get(api, topic+"/messages", e.getMessages, describe("Read messages"))
	huma.Get(api, message, e.getMessage, describe("Read one message, with up to 1 MiB of its value"))
	huma.Get(api, message+"/value", e.getValue, describe("Download the value of a message"), func(o *huma.Operation) {
		bytes := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
		o.Responses = map[string]*huma.Response{"200": {Description: "OK",
			Content: map[string]*huma.MediaType{"application/octet-stream": bytes}}}
	})
	huma.Get(api, "/api/groups", e.getGroups, describe("List consumer groups"))
	huma.Get(api, "/api/groups/{group}", e.getGroup, describe("Describe a consumer group"))
	huma.Post(api, topic+"/messages", e.postMessage, describe("Produce a message"), func(o *huma.Operation) {
		o.DefaultStatus, o.MaxBodyBytes, o.Security = http.StatusCreated, maxProduceBody, []map[string][]string{{"token": {}}}
	})
}

// problem gives an error its status.
func problem(err error) error {
	var filter *FilterError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &filter):
		return huma.Error422UnprocessableEntity(err.Error(), &huma.ErrorDetail{Location: "query." + filter.Part, Message: filter.Reason})
	case errors.Is(err, admin.ErrNoTopic), errors.Is(err, admin.ErrNoPartition), errors.Is(err, ErrNoMessage),
		errors.Is(err, admin.ErrNoGroup):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, admin.ErrInternal):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return huma.Error504GatewayTimeout("the broker does not answer: " + err.Error())
	}
	return huma.Error502BadGateway(err.Error())
}

// answered asks with a bound in time.
func answered[T any](ctx context.Context, ask func(context.Context) (T, error)) (*response[T], error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	body, err := ask(ctx)
	if err != nil {
		return nil, problem(err)
	}
	return &response[T]{body}, nil
}

// topicParam is the path of what is about one topic.
type topicParam struct {
	Topic string `path:"topic" maxLength:"249"`
}

func (e *Explorer) getTopic(ctx context.Context, in *topicParam) (*response[TopicDetail], error) {
	return answered(ctx, func(ctx context.Context) (TopicDetail, error) { return e.Topic(ctx, in.Topic) })
}

// messageQuery is the query of a read.
type messageQuery struct {
	Topic     string    `path:"topic" maxLength:"249"`
	Partition int32     `query:"partition" default:"-1" minimum:"-1" doc:"The only partition to read; -1 means all, merged by time."`
	Offset    int64     `query:"offset" default:"-1" minimum:"-1" doc:"Begin at this offset of each partition, the oldest first."`
	Time      time.Time `query:"time" doc:"Only messages of this time or later; the oldest first."`
	Until     time.Time `query:"until" doc:"Only messages of this time or earlier."`
	Order     string    `query:"order" enum:"newest,oldest" doc:"Which come first. By default the newest, but with offset or time the oldest."`
	After     string    `query:"after" maxLength:"32768" doc:"Go on where an earlier answer ended: its next."`
	Key       string    `query:"key" doc:"Must be in the key. Case does not count, here and below."`
	Header    string    `query:"header" doc:"NAME or NAME=TEXT: a header that must be there, and what must be in it."`
	Path      string    `query:"path" doc:"A JSONPath (RFC 9535) of names, indexes, [*] and one filter, that must select something in the value, or one with a comparison: $.price > 10, $.type == \"x\", $.name ~ tea."`
	Text      string    `query:"text" doc:"Must be in the key, the value or a header."`
	Limit     int       `query:"limit" default:"50" minimum:"1" maximum:"500"`
}

func (e *Explorer) getMessages(ctx context.Context, in *messageQuery) (*response[Page], error) {
	q := Query{
		Topic: in.Topic, Partition: in.Partition, Offset: in.Offset, After: in.After, Limit: in.Limit,
		Oldest: in.Order == "oldest" || in.Order == "" && (in.Offset >= 0 || !in.Time.IsZero()),
		Filter: Filter{Key: in.Key, Text: in.Text, Header: in.Header, Path: in.Path, Since: in.Time, Until: in.Until},
	}
	return answered(ctx, func(ctx context.Context) (Page, error) { return e.Read(ctx, q) })
}

// recordParams is the path of what is about one message.
type recordParams struct {
	Topic     string `path:"topic" maxLength:"249"`
	Partition int32  `path:"partition" minimum:"0"`
	Offset    int64  `path:"offset" minimum:"0"`
}

func (e *Explorer) getMessage(ctx context.Context, in *recordParams) (*response[Message], error) {
	return answered(ctx, func(ctx context.Context) (Message, error) {
		r, err := e.record(ctx, in.Topic, in.Partition, in.Offset)
		if err != nil {
			return Message{}, err
		}
		return messageOf(r, detailBytes), nil
	})
}

// download is bytes that a browser saves and never shows.
type download struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (e *Explorer) getValue(ctx context.Context, in *recordParams) (*download, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	r, err := e.record(ctx, in.Topic, in.Partition, in.Offset)
	if err != nil {
		return nil, problem(err)
	}
	return &download{
		ContentType: "application/octet-stream",
		Disposition: fmt.Sprintf(`attachment; filename="%s-%d-%d"`, in.Topic, in.Partition, in.Offset), // a topic that is there has a safe name
		Body:        r.Value,
	}, nil
}

// produceRequest is a message to write.
type produceRequest struct {
	Key       *string         `json:"key,omitempty" nullable:"true" doc:"Left out or null: none."`
	Value     *string         `json:"value,omitempty" nullable:"true" doc:"Left out or null: none, which compaction takes for a deletion."`
	Encoding  string          `json:"encoding,omitempty" enum:"text,base64" doc:"How value is written here; text by default."`
	Partition *int32          `json:"partition,omitempty" minimum:"0" doc:"Left out: the one of the key."`
	Headers   []produceHeader `json:"headers,omitempty" maxItems:"100"`
	Trace     bool            `json:"trace,omitempty" doc:"Begin a trace, where no header traceparent goes on with one."`
}

type produceHeader struct {
	Name  string `json:"name" minLength:"1" maxLength:"1000"`
	Value string `json:"value"`
}

type produceInput struct {
	Topic string `path:"topic" maxLength:"249"`
	Body  produceRequest
}

// record is the message as Kafka takes it.
func (p produceRequest) record(topic string) (*kgo.Record, error) {
	r := &kgo.Record{Topic: topic, Partition: -1}
	if p.Partition != nil {
		r.Partition = *p.Partition
	}
	if p.Key != nil {
		r.Key = []byte(*p.Key)
	}
	if p.Value != nil {
		r.Value = []byte(*p.Value)
	}
	if p.Value != nil && p.Encoding == "base64" {
		var err error
		if r.Value, err = base64.StdEncoding.DecodeString(*p.Value); err != nil {
			return nil, huma.Error422UnprocessableEntity("the value is not base64", &huma.ErrorDetail{Location: "body.value", Message: err.Error()})
		}
	}
	for _, h := range p.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Name, Value: []byte(h.Value)})
	}
	return r, nil
}

func (e *Explorer) postMessage(ctx context.Context, in *produceInput) (*response[Message], error) {
	r, err := in.Body.record(in.Topic)
	if err != nil {
		return nil, err
	}
	return answered(ctx, func(ctx context.Context) (Message, error) {
		end := func(*kgo.Record, error) {}
		if in.Body.Trace && traceOf(r) == "" {
			end = e.beginTrace(ctx, r)
		}
		written, err := e.admin.Produce(ctx, r)
		end(written, err)
		if err != nil {
			return Message{}, err
		}
		return messageOf(written, previewBytes), nil
	})
}

// groupList is the answer of /api/groups.
type groupList struct {
	Items []admin.Group `json:"items"`
	Next  string        `json:"next" doc:"Always empty: the list is given whole."`
}

func (e *Explorer) getGroups(ctx context.Context, _ *struct{}) (*response[groupList], error) {
	return answered(ctx, func(ctx context.Context) (groupList, error) {
		groups, err := e.admin.Groups().List(ctx)
		return groupList{Items: groups}, err
	})
}

func (e *Explorer) getGroup(ctx context.Context, in *struct {
	Group string `path:"group" maxLength:"1000"`
}) (*response[admin.GroupDetail], error) {
	return answered(ctx, func(ctx context.Context) (admin.GroupDetail, error) { return e.admin.Groups().Describe(ctx, in.Group) })
}
