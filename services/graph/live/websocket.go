package live

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"axion/services/auth/verifier"
	"axion/services/closeframe"
	"axion/services/host"
)

// ServeHTTP upgrades a request that bears a token, in the header or in ?token=,
// since browsers set no headers on WebSockets.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if !websocket.IsWebSocketUpgrade(r) {
		if r.URL.Path == "/" {
			h.host.Index(w, r)
			return
		}
		w.Header().Set("Upgrade", "websocket")
		host.WriteProblem(w, http.StatusUpgradeRequired, "this address speaks WebSocket; the API is described at /openapi.json")
		return
	}
	if !host.LocalOrigin(r) {
		host.WriteProblem(w, http.StatusForbidden, "pages of other sites may not open WebSockets here")
		return
	}
	token := verifier.Bearer(r.Header.Get("Authorization"))
	if token == "" {
		token = query.Get("token")
	}
	id, err := h.host.Verifier.Verify(r.Context(), token)
	switch {
	case errors.Is(err, verifier.ErrUnauthorized):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		host.WriteProblem(w, http.StatusUnauthorized, err.Error())
		return
	case err != nil:
		h.host.Log.ErrorContext(r.Context(), "token not verified", "error", err)
		host.WriteProblem(w, http.StatusServiceUnavailable, "the auth service does not answer; try again")
		return
	}
	c := &client{id: id, after: -1}
	if after := query.Get("after"); after != "" {
		if c.after, err = parseAfter(after); err != nil {
			host.WriteProblem(w, http.StatusUnprocessableEntity, "after: must be the RFC 3339 time of a message, its \"at\"")
			return
		}
	}
	if status, detail := h.acquire(id.UserID); status != 0 {
		host.WriteProblem(w, status, detail)
		return
	}
	defer h.release(id.UserID)
	// Before the client knows that it is connected: it is sent all that happens then.
	now, err := latest(r.Context(), h.host.DB, id.UserID)
	if err != nil {
		h.host.Log.ErrorContext(r.Context(), "no replay", "error", err)
		host.WriteProblem(w, http.StatusServiceUnavailable, "the feed cannot be read; try again")
		return
	}
	if c.after < 0 || c.after > now {
		c.after = now
	}
	// Errors are the upgrader's, which has answered.
	_ = h.melody.HandleRequestWithKeys(closeframe.Writer(w), r, map[string]any{clientKey: c})
}

// parseAfter reads a message's "at". Times that no message can have stand for
// the first or the last that one can.
func parseAfter(text string) (int64, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	switch {
	case err != nil:
		return 0, err
	case at.Before(time.Unix(0, 0)):
		return 0, nil
	case at.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64, nil
	}
	return at.UnixNano(), nil
}

// acquire counts one more WebSocket of a user, or says why there may be none.
func (h *Hub) acquire(user string) (status int, detail string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return http.StatusServiceUnavailable, "stopping"
	}
	if h.count[user] >= maxSessions {
		return http.StatusTooManyRequests, fmt.Sprintf("you have %d WebSockets open; close one", maxSessions)
	}
	h.count[user]++
	h.running.Add(1)
	return 0, ""
}

// release ends what acquire has counted.
func (h *Hub) release(user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count[user]--; h.count[user] == 0 {
		delete(h.count, user)
	}
	h.running.Done()
}
