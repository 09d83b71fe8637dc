package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"axion/services/store"
)

var (
	errUnderWay     = errors.New("the request is under way")
	errOtherRequest = errors.New("the key is another request's")
)

const (
	// keyRetention is how long an answer is stored for a request that is sent again.
	keyRetention = 24 * time.Hour
	// maxStored bounds the answers that are stored; the oldest are forgotten first.
	maxStored = 10_000
)

// clientRequest is a request that may be sent again: whose it is, and its key.
type clientRequest struct{ caller, key string }

// idempotencyCache answers requests that are sent again with their Idempotency-Key as the
// first time (draft-ietf-httpapi-idempotency-key-header-07), whichever instance that
// was. Answers of 5xx are not stored: the client may try again. Keys are apart by caller:
// the bearer of a token, else the client's address.
type idempotencyCache struct {
	db       *sql.DB
	now      func() time.Time
	instance *instance
	mu       sync.Mutex
	underWay map[clientRequest]bool // requests under way here
}

// storedResponse is an answer, as it was sent.
type storedResponse struct {
	fingerprint string
	status      int
	media       string
	body        []byte
}

// begin returns the answer that a request had before. Where it had none the request is
// the caller's to answer, who calls end then, and nobody else's meanwhile: for others it
// is errUnderWay until then, or until this instance has ended. A key of a request with
// another fingerprint is errOtherRequest.
func (c *idempotencyCache) begin(ctx context.Context, id clientRequest, print string) (*storedResponse, error) {
	if !c.acquire(id) {
		return nil, errUnderWay
	}
	earlier, err := c.claim(ctx, id, print)
	if earlier != nil || err != nil {
		c.release(id)
	}
	return earlier, err
}

// claim is begin without regard to this instance's own requests.
func (c *idempotencyCache) claim(ctx context.Context, id clientRequest, print string) (earlier *storedResponse, err error) {
	holder, ours := "", false
	err = store.Tx(ctx, c.db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM requests WHERE at <= $1`, c.now().Add(-keyRetention).UnixMilli())
		if err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `INSERT INTO requests (caller, request_key, fingerprint, status, media, body, at, owner)
			VALUES ($1, $2, $3, 0, '', $4, $5, $6) ON CONFLICT (caller, request_key) DO NOTHING`,
			id.caller, id.key, print, []byte{}, c.now().UnixMilli(), c.instance.name())
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n > 0 {
			ours = n > 0
			return err
		}
		earlier = &storedResponse{}
		return tx.QueryRowContext(ctx, `SELECT fingerprint, status, media, body, owner FROM requests WHERE caller = $1 AND request_key = $2`,
			id.caller, id.key).Scan(&earlier.fingerprint, &earlier.status, &earlier.media, &earlier.body, &holder)
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("look up a request: %w", err)
	case ours:
		return nil, nil
	case earlier.fingerprint != print:
		return nil, errOtherRequest
	case holder == "":
		return earlier, nil
	}
	return nil, c.takeOver(ctx, id, holder)
}

// takeOver claims a request that an instance had under way which has ended. What it
// had published is found as published: see receipts.
func (c *idempotencyCache) takeOver(ctx context.Context, id clientRequest, holder string) error {
	owner := c.instance.name()
	if holder != owner { // else it could not be ended
		gone, err := c.instance.gone(ctx, holder)
		if err != nil {
			return err
		}
		if !gone {
			return errUnderWay
		}
	}
	done, err := c.db.ExecContext(ctx, `UPDATE requests SET owner = $1 WHERE caller = $2 AND request_key = $3 AND owner = $4`,
		owner, id.caller, id.key, holder)
	if err != nil {
		return fmt.Errorf("take over a request: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errUnderWay)
	}
	return nil
}

// end stores the answer to a request, or deletes the request where that is nil.
func (c *idempotencyCache) end(ctx context.Context, id clientRequest, answer *storedResponse) {
	defer c.release(id)
	owner := c.instance.name()
	// What fails here is corrected when the request is sent again.
	if answer == nil {
		_, _ = c.db.ExecContext(ctx, `DELETE FROM requests WHERE caller = $1 AND request_key = $2 AND owner = $3`, id.caller, id.key, owner)
		return
	}
	_, _ = c.db.ExecContext(ctx, `UPDATE requests SET status = $1, media = $2, body = $3, owner = ''
		WHERE caller = $4 AND request_key = $5 AND owner = $6`,
		answer.status, answer.media, answer.body, id.caller, id.key, owner)
	_, _ = c.db.ExecContext(ctx, `DELETE FROM requests
		WHERE owner = '' AND at <= (SELECT at FROM requests ORDER BY at DESC LIMIT 1 OFFSET $1)`, maxStored)
}

// acquire reports whether a request is not under way here, and makes it so.
func (c *idempotencyCache) acquire(id clientRequest) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.underWay[id] {
		return false
	}
	c.underWay[id] = true
	return true
}

func (c *idempotencyCache) release(id clientRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.underWay, id)
}
