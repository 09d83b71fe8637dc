package gateway

import (
	"regexp"
	"slices"
	"strings"
)

// hidden stands where a secret is.
const hidden = "•••"

var (
	// secretName matches names of headers and settings whose values are secret.
	secretName = regexp.MustCompile(`(?i)^users$|auth|cookie$|pass|pwd|secret|token|key$|credential|dsn|signature`)
	// plainName matches those names of Traefik's that only look like it.
	plainName = regexp.MustCompile(`(?i)^(?:(?:basic|digest|forward)auth|auth(?:request|response)headers(?:regex)?|passtlsclientcert|passhostheader|passthrough|cookie)$`)
	// secretText matches what is secret wherever it stands: hashes of passwords, with
	// the $ doubled or not, and keys. A line break that only YAML knows would bring the
	// next line with it.
	secretText = regexp.MustCompile(`\$(?:apr1|2[abxy]|argon2\w*)\$|\$[56]\$+[\w./]{8}|(?i:\{S?SHA)|-----BEGIN|PRIVATE KEY-----|[\x00-\x08\x0a-\x1f\x{85}\x{2028}\x{2029}]`)
	// userInfo is who asks in a URL, and the password, which may hold a slash or an @.
	userInfo = regexp.MustCompile(`://\S*@`)
)

// headerMaps hold headers under names that anybody may choose.
var headerMaps = []string{"customrequestheaders", "customresponseheaders"}

// plainHeaders are those whose values are told to every browser anyway.
var plainHeaders = []string{
	"access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin", "access-control-max-age",
	"cache-control", "content-security-policy", "content-type", "cross-origin-embedder-policy", "cross-origin-opener-policy",
	"cross-origin-resource-policy", "permissions-policy", "referrer-policy", "strict-transport-security", "vary",
	"x-content-type-options", "x-forwarded-proto", "x-frame-options", "x-robots-tag", "x-xss-protection",
}

func isSecret(name string) bool { return secretName.MatchString(name) && !plainName.MatchString(name) }

// isHeaderMap tells whether the headers called name within in are free ones: those of
// a health check, unlike the middleware of that name, are sent to servers as they are.
func isHeaderMap(in, name string) bool {
	name = strings.ToLower(name)
	return slices.Contains(headerMaps, name) || name == "headers" && strings.EqualFold(in, "healthcheck")
}

func isPlainHeader(name string) bool { return slices.Contains(plainHeaders, strings.ToLower(name)) }

// hideSecrets takes the secrets out of a part of the configuration as the API shows
// it: password hashes, keys, and values of headers that carry credentials.
func hideSecrets(m map[string]any) { hideIn("", m, false) }

// hideIn does so for what is called in; all is set below a name that is secret.
func hideIn(in string, m map[string]any, all bool) {
	for name, v := range m {
		secret := all || isSecret(name)
		switch v := v.(type) {
		case map[string]any:
			if isHeaderMap(in, name) {
				hideHeaders(v)
			} else {
				hideIn(name, v, secret)
			}
		case []any:
			hideList(name, v, secret)
		case string:
			m[name] = hideText(v, secret)
		}
	}
}

func hideHeaders(m map[string]any) {
	for name, v := range m {
		text, ok := v.(string)
		if !ok || !isPlainHeader(name) {
			m[name] = hidden
			continue
		}
		m[name] = hideText(text, false)
	}
}

func hideList(name string, list []any, secret bool) {
	for i, v := range list {
		switch v := v.(type) {
		case map[string]any:
			hideIn(name, v, secret)
		case []any:
			hideList(name, v, secret)
		case string:
			if user, _, ok := strings.Cut(v, ":"); ok && name == "users" && !secretText.MatchString(user) {
				list[i] = user + ":" + hidden
			} else {
				list[i] = hideText(v, secret)
			}
		}
	}
}

func hideText(text string, secret bool) string {
	if text != "" && (secret || secretText.MatchString(text)) {
		return hidden
	}
	return hideURL(text)
}

func hideURL(text string) string { return userInfo.ReplaceAllString(text, "://"+hidden+"@") }
