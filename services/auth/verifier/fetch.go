package verifier

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"axion/services/contract"
)

// keySet is a JSON Web Key Set whose keys are read one by one: a key of a kind
// that we do not know must not cost us the others (RFC 7517, section 5).
type keySet struct {
	Keys []json.RawMessage `json:"keys"`
}

// usable returns the keys that may verify signatures, by their ids.
func (s *keySet) usable() map[string]*jose.JSONWebKey {
	keys := map[string]*jose.JSONWebKey{}
	for _, raw := range s.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && pin(&key) {
			keys[key.KeyID] = &key
		}
	}
	return keys
}

// maxKeySet bounds an issuer's answer, in bytes.
const maxKeySet = 1 << 20

// fetchKeys gets the issuer's key set: over HTTP from an external issuer, over
// the bus from the builtin one, since services talk over Kafka only.
func (v *Verifier) fetchKeys(ctx context.Context) (map[string]*jose.JSONWebKey, error) {
	var set keySet
	if v.opts.KeysURL == "" {
		if err := v.opts.Call(ctx, contract.GetKeys, struct{}{}, &set); err != nil {
			return nil, fmt.Errorf("get the issuer's keys: %w", err)
		}
		return set.usable(), nil
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
	if err := json.NewDecoder(io.LimitReader(res.Body, maxKeySet)).Decode(&set); err != nil {
		return nil, fmt.Errorf("get the issuer's keys: %s: %w", v.opts.KeysURL, err)
	}
	return set.usable(), nil
}
