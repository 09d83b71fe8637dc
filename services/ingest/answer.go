package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"axion/services/store"
)

var (
	errUnderWay = errors.New("the request is under way")
	errOther    = errors.New("the key is another request's")
)

// kept is an answer, as it was sent.
type kept struct {
	fingerprint string
	status      int
	media       string
	body        []byte
}

// begin returns the answer that a request had before. Where it had none the request is
// the caller's to answer, who calls end then, and nobody else's meanwhile: for others it
// is errUnderWay until then, or until this instance has ended. A key of a request with
// another fingerprint is errOther.
func (p *repeats) begin(ctx context.Context, id repeat, print string) (*kept, error) {
	if !p.enter(id) {
		return nil, errUnderWay
	}
	earlier, err := p.claim(ctx, id, print)
	if earlier != nil || err != nil {
		p.leave(id)
	}
	return earlier, err
}

// claim is begin without regard to this instance's own requests.
func (p *repeats) claim(ctx context.Context, id repeat, print string) (earlier *kept, err error) {
	holder, ours := "", false
	err = store.Tx(ctx, p.db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM requests WHERE at <= $1`, p.now().Add(-keyTime).UnixMilli())
		if err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `INSERT INTO requests (caller, request_key, fingerprint, status, media, body, at, owner)
			VALUES ($1, $2, $3, 0, '', $4, $5, $6) ON CONFLICT (caller, request_key) DO NOTHING`,
			id.caller, id.key, print, []byte{}, p.now().UnixMilli(), p.instance.name())
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n > 0 {
			ours = n > 0
			return err
		}
		earlier = &kept{}
		return tx.QueryRowContext(ctx, `SELECT fingerprint, status, media, body, owner FROM requests WHERE caller = $1 AND request_key = $2`,
			id.caller, id.key).Scan(&earlier.fingerprint, &earlier.status, &earlier.media, &earlier.body, &holder)
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("look up a request: %w", err)
	case ours:
		return nil, nil
	case earlier.fingerprint != print:
		return nil, errOther
	case holder == "":
		return earlier, nil
	}
	return nil, p.takeOver(ctx, id, holder)
}

// takeOver makes a request ours that an instance had under way which has ended. What it
// had published is found as published: see receipts.
func (p *repeats) takeOver(ctx context.Context, id repeat, holder string) error {
	owner := p.instance.name()
	if holder != owner { // else it could not be ended
		gone, err := p.instance.gone(ctx, holder)
		if err != nil {
			return err
		}
		if !gone {
			return errUnderWay
		}
	}
	done, err := p.db.ExecContext(ctx, `UPDATE requests SET owner = $1 WHERE caller = $2 AND request_key = $3 AND owner = $4`,
		owner, id.caller, id.key, holder)
	if err != nil {
		return fmt.Errorf("take a request over: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errUnderWay)
	}
	return nil
}

// end keeps the answer to a request, or forgets the request where that is nil.
func (p *repeats) end(ctx context.Context, id repeat, answer *kept) {
	defer p.leave(id)
	owner := p.instance.name()
	// What fails here is made good when the request is sent again.
	if answer == nil {
		_, _ = p.db.ExecContext(ctx, `DELETE FROM requests WHERE caller = $1 AND request_key = $2 AND owner = $3`, id.caller, id.key, owner)
		return
	}
	_, _ = p.db.ExecContext(ctx, `UPDATE requests SET status = $1, media = $2, body = $3, owner = ''
		WHERE caller = $4 AND request_key = $5 AND owner = $6`,
		answer.status, answer.media, answer.body, id.caller, id.key, owner)
	_, _ = p.db.ExecContext(ctx, `DELETE FROM requests
		WHERE owner = '' AND at <= (SELECT at FROM requests ORDER BY at DESC LIMIT 1 OFFSET $1)`, maxKept)
}

func (p *repeats) enter(id repeat) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.under[id] {
		return false
	}
	p.under[id] = true
	return true
}

func (p *repeats) leave(id repeat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.under, id)
}
