package middleware

import (
	"crypto/x509/pkix"
	"fmt"
	"strings"

	"axion/gateway/config"
)

// distinguished writes the wanted parts of a certificate's name, in Traefik's order.
func distinguished(names []pkix.AttributeTypeAndValue, c *config.CertName) string {
	if c == nil {
		return ""
	}
	var parts []string
	for _, kind := range []struct {
		key, oid string
		wanted   bool
	}{
		{"DC", "0.9.2342.19200300.100.1.25", c.DomainComponent},
		{"C", "2.5.4.6", c.Country},
		{"ST", "2.5.4.8", c.Province},
		{"L", "2.5.4.7", c.Locality},
		{"O", "2.5.4.10", c.Organization},
		{"OU", "2.5.4.11", c.OrganizationalUnit},
		{"SN", "2.5.4.5", c.SerialNumber},
		{"CN", "2.5.4.3", c.CommonName},
		{"UID", "0.9.2342.19200300.100.1.1", c.UID},
	} {
		if !kind.wanted {
			continue
		}
		for _, n := range names {
			if n.Type.String() == kind.oid {
				parts = append(parts, fmt.Sprintf("%s=%v", kind.key, n.Value))
			}
		}
	}
	return strings.Join(parts, ",")
}
