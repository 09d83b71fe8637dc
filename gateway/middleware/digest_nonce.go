package middleware

import (
	"container/list"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"
)

const (
	// nonceLife is how long a client may use a nonce before it gets a new one.
	nonceLife = 5 * time.Minute
	// maxNonces bounds the nonces in use whose counts are remembered.
	maxNonces = 16384
	nonceSize = 24 // bytes
)

// nonceState is what a nonce that a client uses is good for.
type nonceState int

const (
	nonceUnknown nonceState = iota // nothing
	nonceStale                     // the client is to go on with a new one
	nonceFresh
)

// nonces issues the nonces of digest authentication and sees that each of their counts
// is used once (RFC 7616, section 3.4). They are signed, so that those that nobody uses
// need no memory. It is safe for concurrent use.
type nonces struct {
	key   [32]byte
	limit int

	mu     sync.Mutex
	used   map[string]*list.Element
	oldest *list.List // of *usedNonce, in the order of first use
	// forgotten is when the latest nonce was issued that was in use and is no longer
	// remembered: one as old, and not remembered, may have been used.
	forgotten time.Time
}

type usedNonce struct {
	text   string
	issued time.Time
	count  uint32 // the highest
}

func newNonces(limit int) *nonces {
	return &nonces{limit: limit, used: make(map[string]*list.Element), oldest: list.New()}
}

// issue is the time and its signature.
func (n *nonces) issue(at time.Time) string {
	text := binary.BigEndian.AppendUint64(nil, uint64(at.UnixNano()))
	mac := hmac.New(sha256.New, n.key[:])
	_, _ = mac.Write(text)
	return hex.EncodeToString(mac.Sum(text)[:nonceSize])
}

// use takes a count that has been shown to come from a user. One that is not higher
// than the last is stale, as in Traefik: the request may be a repeated one, or late.
func (n *nonces) use(nonce string, count uint32, now time.Time) nonceState {
	raw, err := hex.DecodeString(nonce)
	if err != nil || len(raw) != nonceSize {
		return nonceUnknown
	}
	issued := time.Unix(0, int64(binary.BigEndian.Uint64(raw)))
	if !hmac.Equal([]byte(n.issue(issued)), []byte(nonce)) {
		return nonceStale // of another run: the client asks again by itself
	}
	if age := now.Sub(issued); age < 0 || age > nonceLife {
		return nonceStale
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.expire(now)
	if e := n.used[nonce]; e != nil {
		u := e.Value.(*usedNonce)
		if count <= u.count {
			return nonceStale
		}
		u.count = count
		return nonceFresh
	}
	if !issued.After(n.forgotten) {
		return nonceStale
	}
	if n.oldest.Len() >= n.limit {
		n.forget(n.oldest.Front())
	}
	n.used[nonce] = n.oldest.PushBack(&usedNonce{nonce, issued, count})
	return nonceFresh
}

// expire forgets nonces that are too old to be used.
func (n *nonces) expire(now time.Time) {
	for e := n.oldest.Front(); e != nil && now.Sub(e.Value.(*usedNonce).issued) > nonceLife; e = n.oldest.Front() {
		n.forget(e)
	}
}

func (n *nonces) forget(e *list.Element) {
	u := e.Value.(*usedNonce)
	if u.issued.After(n.forgotten) {
		n.forgotten = u.issued
	}
	delete(n.used, u.text)
	n.oldest.Remove(e)
}
