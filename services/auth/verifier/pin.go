package verifier

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"

	"github.com/go-jose/go-jose/v4"
)

// minRSABits is the least RSA modulus that JWA allows (RFC 7518, section 3.3).
const minRSABits = 2048

// pin sets the one algorithm that fits the key's type, and reports whether the
// key may be used: public, of a known type, and not declared for another use.
func pin(key *jose.JSONWebKey) bool {
	if !key.Valid() || !key.IsPublic() || (key.Use != "" && key.Use != "sig") {
		return false
	}
	var alg jose.SignatureAlgorithm
	switch k := key.Key.(type) {
	case ed25519.PublicKey:
		alg = jose.EdDSA
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return false
		}
		alg = jose.ES256
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSABits {
			return false
		}
		alg = jose.RS256
	default:
		return false
	}
	if key.Algorithm != "" && key.Algorithm != string(alg) {
		return false
	}
	key.Algorithm = string(alg)
	return true
}
