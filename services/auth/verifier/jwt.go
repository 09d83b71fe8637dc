package verifier

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"axion/services/contract"
)

// algorithms is the whole list of signatures that are accepted at all; which of
// them fits a key is decided by the key.
var algorithms = []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256}

// leeway forgives clocks that differ a little.
const leeway = 5 * time.Second

func (v *Verifier) verifyJWT(ctx context.Context, token string) (Identity, error) {
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return Identity{}, unauthorized("malformed JWT")
	}
	header := parsed.Headers[0]
	key, err := v.keys.find(ctx, header.KeyID)
	if err != nil {
		return Identity{}, err
	}
	// The algorithm is the key's, never the token's choice.
	if key == nil || header.Algorithm != key.Algorithm {
		return Identity{}, unauthorized("JWT signed by an unknown key")
	}
	var claims jwt.Claims
	var user struct {
		Email string `json:"email"`
	}
	if err := parsed.Claims(key, &claims, &user); err != nil {
		return Identity{}, unauthorized("bad JWT signature")
	}
	if claims.Expiry == nil || claims.Subject == "" {
		return Identity{}, unauthorized("JWT lacks exp or sub")
	}
	expected := jwt.Expected{Issuer: v.opts.Issuer, AnyAudience: jwt.Audience{v.opts.Issuer}, Time: v.opts.Now()}
	if err := claims.ValidateWithLeeway(expected, leeway); err != nil {
		return Identity{}, unauthorized(err.Error())
	}
	return Identity{UserID: claims.Subject, Email: user.Email, ExpiresAt: claims.Expiry.Time()}, nil
}

// fetchKeys gets the issuer's key set: over HTTP from an external issuer, over
// the bus from the builtin one, since services talk over Kafka only.
func (v *Verifier) fetchKeys(ctx context.Context) (*jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	if v.opts.KeysURL == "" {
		if err := v.opts.Call(ctx, contract.GetKeys, struct{}{}, &set); err != nil {
			return nil, fmt.Errorf("get the issuer's keys: %w", err)
		}
		return &set, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.opts.KeysURL, nil)
	if err != nil {
		return nil, fmt.Errorf("get the issuer's keys: %w", err)
	}
	res, err := v.opts.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("get the issuer's keys: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get the issuer's keys: %s answered %s", v.opts.KeysURL, res.Status)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&set); err != nil {
		return nil, fmt.Errorf("get the issuer's keys: %s: %w", v.opts.KeysURL, err)
	}
	return &set, nil
}

// keyring caches a key set and fetches it again for a key id that it lacks, at
// most once per refetchPause, so that made-up ids cost the issuer nothing.
type keyring struct {
	fetch func(context.Context) (*jose.JSONWebKeySet, error)
	now   func() time.Time

	mu      sync.Mutex
	byID    map[string]*jose.JSONWebKey
	fetched time.Time
}

const refetchPause = 2 * time.Second

// find returns the public key with that id, nil where the issuer has none. The
// lock is held while fetching: others wait for the same answer.
func (k *keyring) find(ctx context.Context, id string) (*jose.JSONWebKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key := k.byID[id]; key != nil {
		return key, nil
	}
	if k.byID != nil && k.now().Sub(k.fetched) < refetchPause {
		return nil, nil
	}
	set, err := k.fetch(ctx)
	if err != nil {
		return nil, err
	}
	k.byID = map[string]*jose.JSONWebKey{}
	for i := range set.Keys {
		if key := &set.Keys[i]; pin(key) {
			k.byID[key.KeyID] = key
		}
	}
	k.fetched = k.now()
	return k.byID[id], nil
}
