package dlq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/contract"
)

const (
	// apiTime bounds one call of the API.
	apiTime = 20 * time.Second
	// maxListed bounds the dead letters of one answer.
	maxListed = 1000
)

// API lists, replays and drops dead letters over HTTP.
// It is safe for concurrent use: one call resolves at a time.
type API struct {
	// Open connects for one call. It is required.
	Open func() (*Client, error)

	settling sync.Mutex
}

// Register adds the operations on dead letters to an API.
func (a *API) Register(api huma.API) {
	says := func(summary string) func(*huma.Operation) {
		return func(o *huma.Operation) { o.Summary, o.Tags = summary, []string{"dead letters"} }
	}
	guarded := func(o *huma.Operation) { o.Security = []map[string][]string{{"token": {}}} }
	huma.Get(api, "/api/dead-letters", a.list, says("List dead letters"))
	huma.Post(api, "/api/dead-letters/{service}/replay", a.resolve((*Client).Replay, "replayed"),
		says("Put dead letters back where they came from"), guarded)
	huma.Post(api, "/api/dead-letters/{service}/drop", a.resolve((*Client).Drop, "dropped"), says("Forget dead letters"), guarded)
}

// listed is a dead letter with the id of its trace.
type listed struct {
	*DeadLetter
	TraceID string `json:"traceId,omitempty" doc:"Of the message; a replay goes on with it."`
}

func listedOf(letters []*DeadLetter) []listed {
	all := make([]listed, 0, len(letters))
	for _, l := range letters {
		one := listed{DeadLetter: l}
		for _, h := range l.Headers {
			if parts := strings.Split(h.Value, "-"); h.Key == "traceparent" && len(parts) >= 4 {
				one.TraceID = parts[1]
			}
		}
		all = append(all, one)
	}
	return all
}

// deadLetterList is the answer of /api/dead-letters.
type deadLetterList struct {
	Items []listed `json:"items"`
	Next  string   `json:"next" doc:"Always empty: what is not given is counted in left."`
	Left  int      `json:"left" doc:"How many more there are; settle some to see them."`
}

type listOutput struct{ Body deadLetterList }

func (a *API) list(ctx context.Context, in *struct {
	Service string `query:"service" doc:"Whose; of all services by default."`
}) (*listOutput, error) {
	services := contract.Names()
	if in.Service != "" {
		services = []string{in.Service}
	}
	var all []*DeadLetter
	err := a.with(ctx, func(ctx context.Context, c *Client) error {
		for _, service := range services {
			if err := knownService(service); err != nil {
				return err
			}
			letters, err := c.List(ctx, service)
			if err != nil {
				return err
			}
			all = append(all, letters...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	given := all[:min(len(all), maxListed)]
	return &listOutput{deadLetterList{Items: listedOf(given), Left: len(all) - len(given)}}, nil
}

type settleInput struct {
	Service string `path:"service"`
	Body    struct {
		Places []string `json:"places,omitempty" maxItems:"1000" doc:"Which letters: PARTITION:OFFSET or PARTITION:OFFSET-OFFSET each."`
		All    bool     `json:"all,omitempty" doc:"All of the service's."`
	}
}

type settleOutput struct {
	Body struct {
		Done  int      `json:"done"`
		Items []listed `json:"items" doc:"The letters that were settled."`
	}
}

// resolve returns an operation that resolves the selected dead letters.
func (a *API) resolve(resolve resolver, done string) func(context.Context, *settleInput) (*settleOutput, error) {
	return func(ctx context.Context, in *settleInput) (*settleOutput, error) {
		a.settling.Lock()
		defer a.settling.Unlock()
		out := &settleOutput{}
		err := a.with(ctx, func(ctx context.Context, c *Client) error {
			letters, err := c.selected(ctx, in.Service, in.Body.Places, in.Body.All)
			if err != nil {
				return err
			}
			n, err := resolve(c, ctx, letters)
			out.Body.Done, out.Body.Items = n, listedOf(slices.Clone(letters[:n]))
			if err != nil {
				return fmt.Errorf("%d of %d %s: %w", n, len(letters), done, err)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

// with does one call's work with a client of its own, and gives its error a status.
func (a *API) with(ctx context.Context, work func(context.Context, *Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, apiTime)
	defer cancel()
	c, err := a.Open()
	if err != nil {
		return huma.Error502BadGateway(err.Error())
	}
	defer c.Close()
	err = work(ctx, c)
	if choice, ok := errors.AsType[*SelectionError](err); ok {
		return huma.Error422UnprocessableEntity(choice.Error())
	}
	if _, ok := errors.AsType[*BatchError](err); ok {
		return huma.Error409Conflict(err.Error())
	}
	if err != nil {
		return huma.Error502BadGateway(err.Error())
	}
	return nil
}
