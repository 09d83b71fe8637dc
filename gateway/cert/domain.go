package cert

import (
	"net"
	"slices"
	"strings"

	"github.com/caddyserver/certmagic"

	"axion/gateway/hostname"
)

// reserved are the names below which no public authority issues, beside those
// that certmagic knows: RFC 2606, RFC 6761, and the usual ones of home networks.
var reserved = []string{"test", "example", "invalid", "onion", "alt", "lan", "home", "corp", "intranet", "private", "localdomain",
	"example.com", "example.net", "example.org"}

// isPublic reports whether an ACME server of the public net could issue for name,
// which is normal.
func isPublic(name string) bool {
	bare := strings.TrimPrefix(name, "*.")
	return strings.Contains(bare, ".") && net.ParseIP(bare) == nil && certmagic.SubjectQualifiesForPublicCert(name) &&
		!slices.ContainsFunc(reserved, func(r string) bool { return bare == r || strings.HasSuffix(bare, "."+r) })
}

func isWildcard(name string) bool { return strings.Contains(name, "*") }

// normal is a name as handshakes look it up. What is no name stays as it is: no
// handshake asks for it.
func normal(name string) string {
	if host, err := hostname.Name(name); err == nil {
		return host
	}
	return name
}
