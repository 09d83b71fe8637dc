package traffic

import (
	"context"
	"net/url"
	"slices"
	"time"

	"axion/web/telemetry"
)

const (
	// flushInterval is how often hops are sent, at most maxFlush of them.
	flushInterval = 250 * time.Millisecond
	maxFlush      = 30
	// spanBuffer is how many spans may wait to be looked at.
	spanBuffer = 256
)

// HopEvent is one request or message that took an edge of the map.
type HopEvent struct {
	From  string    `json:"from"`
	To    string    `json:"to"`
	Hop   Hop       `json:"hop"`
	Trace string    `json:"traceId"`
	Start time.Time `json:"start"`
	Took  float64   `json:"tookMs"`
	Error bool      `json:"error,omitempty"`
}

// Batch is what has passed lately, by its start.
type Batch struct {
	Hops []HopEvent `json:"hops"`
	// Left is how many more were recorded.
	Left int64 `json:"left"`
}

// Hops is the channel of single requests and messages as they happen. Under load it
// leaves most of them out, and says how many.
func (m *Monitor) Hops(ctx context.Context, _ url.Values, send func(any) error) error {
	if m.opts.Spans == nil {
		return nil
	}
	spans, stop := m.opts.Spans.Subscribe(spanBuffer)
	defer stop()
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	var batch Batch
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s := <-spans.Spans:
			batch.add(m.hopEvents(s))
		case <-tick.C:
			if batch.Left += spans.Dropped(); len(batch.Hops) == 0 && batch.Left == 0 {
				continue
			}
			slices.SortStableFunc(batch.Hops, func(a, b HopEvent) int { return a.Start.Compare(b.Start) })
			if err := send(batch); err != nil {
				return err
			}
			batch = Batch{}
		}
	}
}

func (b *Batch) add(hops []HopEvent) {
	for _, h := range hops {
		if len(b.Hops) == maxFlush {
			b.Left++
			continue
		}
		b.Hops = append(b.Hops, h)
	}
}

// hopEvents are the edges that a span says were taken; none for inner work.
func (m *Monitor) hopEvents(s telemetry.Span) []HopEvent {
	at := func(from, to string, hop Hop) HopEvent {
		return HopEvent{From: from, To: to, Hop: hop, Trace: s.TraceID, Start: s.Start, Took: float64(s.End.Sub(s.Start).Microseconds()) / 1000,
			Error: s.Error != ""}
	}
	text := func(name string) string { t, _ := s.Attributes[name].(string); return t }
	destination := text("messaging.destination.name")
	switch {
	case s.Service == "gateway" && s.Kind == "server":
		hops := []HopEvent{at(client, gateway, HopHTTP)}
		if name := text("traefik.service"); name != "" {
			names := scrape{names: map[string]string{}}
			for _, r := range m.opts.Routes() {
				names.names[r.Service] = r.Name
			}
			hops = append(hops, at(gateway, service(names.nameOf(name)), HopHTTP))
		}
		return hops
	case text("network.protocol.name") == "websocket":
		return []HopEvent{at(service(s.Service), client, HopWebSocket)}
	case destination == "":
		return nil
	case s.Kind == "consumer":
		return []HopEvent{at(topic(destination), service(s.Service), HopKafka)}
	case s.Kind == "producer", s.Kind == "client":
		return []HopEvent{at(service(s.Service), topic(destination), HopKafka)}
	}
	return nil
}
