package api

import (
	"slices"
	"strings"

	"axion/gateway/secret"
)

// hidden stands where a secret is.
const hidden = secret.Hidden

// secretText matches what is secret wherever it stands.
var secretText = secret.Text

func isSecret(name string) bool { return secret.Name(name) }

// plainHeaders are those whose values are told to every browser anyway. The lines of a
// file show no others: what they are beside is not looked at.
var plainHeaders = []string{
	"access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin", "access-control-max-age",
	"cache-control", "content-security-policy", "content-type", "cross-origin-embedder-policy", "cross-origin-opener-policy",
	"cross-origin-resource-policy", "permissions-policy", "referrer-policy", "strict-transport-security", "vary",
	"x-content-type-options", "x-forwarded-proto", "x-frame-options", "x-robots-tag", "x-xss-protection",
}

func isPlainHeader(name string) bool { return slices.Contains(plainHeaders, strings.ToLower(name)) }
