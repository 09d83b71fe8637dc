package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"testing"

	"axion/web/live"
)

// ask sends the server what a page may.
func (p *page) ask(a map[string]any) {
	p.t.Helper()
	if err := p.conn.WriteJSON(a); err != nil {
		p.t.Fatal(err)
	}
}

// channelMessage is a channel's message to a page.
type channelMessage struct {
	Kind  string
	ID    int
	Data  any
	Error string
	Ended bool
}

// channelMessage reads the next message of a channel.
func (p *page) channelMessage() channelMessage {
	p.t.Helper()
	for {
		var m channelMessage
		if err := p.conn.ReadJSON(&m); err != nil {
			p.t.Fatal(err)
		}
		if m.Kind == "watch" {
			return m
		}
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{}, 1)
	s := newStack()
	options := s.options(t, "127.0.0.1:0", nil)
	options.Channels = map[string]live.Channel{
		"count": func(ctx context.Context, query url.Values, send func(any) error) error {
			defer func() { ended <- struct{}{} }()
			for i := 0; ; i++ {
				if err := send(map[string]any{"n": i, "of": query.Get("of")}); err != nil {
					return err
				}
			}
		},
		"panic": func(context.Context, url.Values, func(any) error) error { panic("an odd path") },
		"fail": func(context.Context, url.Values, func(any) error) error {
			return errors.New("there is nothing to watch")
		},
	}
	s.start(t, options)
	page := s.page(t)
	page.ask(map[string]any{"watch": 7, "channel": "count", "query": map[string]string{"of": "sheep"}})
	for i := range 100 { // far more than may be unsent
		m := page.channelMessage()
		if text, _ := json.Marshal(m.Data); m.ID != 7 || string(text) != string(mustJSON(t, map[string]any{"n": i, "of": "sheep"})) {
			t.Fatalf("message %d: got %d %s", i, m.ID, text)
		}
	}
	page.ask(map[string]any{"unwatch": 7})
	<-ended
	for channel, want := range map[string]string{"fail": "there is nothing to watch", "none": "there is no channel none",
		"panic": "the channel broke off: an odd path"} {
		page.ask(map[string]any{"watch": 8, "channel": channel})
		m := page.channelMessage()
		for m.ID == 7 {
			m = page.channelMessage()
		}
		if m.ID != 8 || !m.Ended || m.Error != want {
			t.Errorf("%s: got %+v, want %q", channel, m, want)
		}
	}
	page.ask(map[string]any{"watch": 9, "channel": "count"}) // and the page leaves
	page.channelMessage()
	_ = page.conn.Close()
	<-ended
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
