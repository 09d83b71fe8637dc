package traffic

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Register adds GET /api/map.
func (m *Monitor) Register(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "get-map", Method: http.MethodGet, Path: "/api/map", Summary: "What runs, and what flows between it",
		Description: "Rates are over the last ten seconds while somebody looks, and else over the second that the first look takes.",
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body Map }, error) {
		now := m.Snapshot(ctx)
		for now.Window < sendInterval.Seconds()/2 && ctx.Err() == nil {
			if err := pause(ctx, sendInterval); err != nil {
				return nil, err
			}
			now = m.Snapshot(ctx)
		}
		return &struct{ Body Map }{now}, nil
	})
}

// Map is the channel of maps, one a second.
func (m *Monitor) Map(ctx context.Context, _ url.Values, send func(any) error) error {
	for {
		if err := send(m.Snapshot(ctx)); err != nil {
			return err
		}
		if err := pause(ctx, sendInterval); err != nil {
			return err
		}
	}
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
