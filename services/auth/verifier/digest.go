package verifier

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
)

// DigestLen is the length of a [Digest].
const DigestLen = 2 * sha256.Size

// Digest is what stands for a session token where others could read the token: its
// SHA-256 in lower-case hexadecimal. Every way to write a signed token,
// "token.signature", has the same: percent-encoded or not, with or without padding.
func Digest(credential string) string {
	if strings.Contains(credential, ".") {
		if plain, err := url.PathUnescape(credential); err == nil {
			credential = strings.TrimRight(plain, "=")
		}
	}
	sum := sha256.Sum256([]byte(credential))
	return hex.EncodeToString(sum[:])
}
