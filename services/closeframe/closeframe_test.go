package closeframe_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"axion/services/closeframe"
)

// TestCode sends close frames: what a code stands for is answered with no other one.
func TestCode(t *testing.T) {
	t.Parallel()
	var upgrader websocket.Upgrader
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(closeframe.Writer(w), r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		_, _, _ = c.ReadMessage()
	}))
	t.Cleanup(server.Close)
	for name, tc := range map[string]struct {
		payload string
		code    int
	}{
		"OK":           {"\x03\xe8fine: \xe2\x82\xac", websocket.CloseNormalClosure},
		"ErrNotUTF8":   {"\x03\xe8\xff", websocket.CloseInvalidFramePayloadData},
		"ErrCut":       {"\x03\xe9\xe2\x82", websocket.CloseInvalidFramePayloadData},
		"ErrSurrogate": {"\x03\xe8\xed\xa0\x80", websocket.CloseInvalidFramePayloadData},
		"ErrCode":      {"\x00\x01", websocket.CloseProtocolError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, res, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(server.URL, "http", "ws", 1), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			_ = res.Body.Close()
			frame := append([]byte{0x88, 0x80 | byte(len(tc.payload)), 0, 0, 0, 0}, tc.payload...)
			if _, err := c.NetConn().Write(frame); err != nil {
				t.Fatal(err)
			}
			_, _, err = c.ReadMessage()
			var closed *websocket.CloseError
			if !errors.As(err, &closed) || closed.Code != tc.code {
				t.Errorf("got %v, want code %d", err, tc.code)
			}
		})
	}
}
