// Package secret says which parts of a configuration are secret, by their names and
// by what they look like, and hides them.
package secret

import (
	"regexp"
	"slices"
	"strings"
)

// Hidden stands where a secret is.
const Hidden = "•••"

var (
	// names matches names of settings and variables whose values are secret.
	names = regexp.MustCompile(`(?i)^users$|auth|cookie$|pass|pwd|secret|token|key$|credential|dsn|signature`)
	// plainNames matches those names of Traefik's that only look like it.
	plainNames = regexp.MustCompile(`(?i)^(?:(?:basic|digest|forward|client)auth|clientauthtype|auth(?:request|response)headers(?:regex)?|` +
		`authsigninurl|addauthcookiestoresponse|accesscontrolallowcredentials|passtlsclientcert|passhostheader|allowacmebypass|` +
		`passthrough|passivehealthcheck|publickey|cookie)$`)
	// Text matches what is secret wherever it stands: hashes of passwords, with
	// the $ doubled or not, and keys. A line break that only YAML knows would bring the
	// next line with it.
	Text = regexp.MustCompile(`\$(?:apr1|2[abxy]|argon2\w*)\$|\$[56]\$+[\w./]{8}|(?i:\{S?SHA)|-----BEGIN|` +
		`PRIVATE KEY-----|[\x00-\x08\x0a-\x1f\x{85}\x{2028}\x{2029}]`)
	// userInfo is who asks in a URL, and the password, which may hold a slash or an @.
	// Where the scheme is missing the colon says it.
	userInfo = regexp.MustCompile(`://\S*@|(^|[\s"'(=])[\w.%+-]*:[^\s/@"'()\x60,]+@`)
	// inQuery is a parameter of a URL whose name says that it is secret.
	inQuery = regexp.MustCompile(`(?i)([?&][\w.\-]*(?:token|key|secret|pass|pwd|auth|sig|signature|credential)[\w.\-]*=)[^&\s#"'\x60]+`)
)

var (
	// headers matches names of headers that carry credentials.
	headers = regexp.MustCompile(`(?i)auth|cookie|pass|pwd|secret|token|key|credential|session|signature|` +
		`jwt|csrf|xsrf|hmac|private|verify|bearer|(?:^|-)(?:sig|otp|pin)(?:-|$)`)
	// plainHeaders are those whose values are sent to every browser anyway.
	plainHeaders = []string{"access-control-allow-credentials", "proxy-authenticate", "public-key-pins", "www-authenticate"}
	// scheme is how a value begins that is one of HTTP's credentials (RFC 9110, section 11).
	scheme = regexp.MustCompile(`(?i)^\s*(?:basic|bearer|digest|negotiate|token|api-?key|aws4-hmac-sha256|hmac|hawk)\s+\S`)
	// signed is a JSON Web Token, random a text that nobody would write by hand.
	signed = regexp.MustCompile(`\beyJ[\w-]{8,}\.`)
	random = regexp.MustCompile(`^[\w+/=\-~]{20,}$`)
	digits = regexp.MustCompile(`\d\D*\d\D*\d`)
	letter = regexp.MustCompile(`[A-Za-z]`)
)

// matcher is a matcher of a rule that asks for a header or a parameter, and what for.
var matcher = regexp.MustCompile("(?i)\\b((?:header|query)(?:regexp)?\\(\\s*[`\"]([^`\"]*)[`\"]\\s*,\\s*[`\"])([^`\"]*)([`\"])")

// Name reports whether the value of a setting or variable of that name is secret.
func Name(name string) bool { return names.MatchString(name) && !plainNames.MatchString(name) }

// HeaderName reports whether a header of that name carries credentials.
func HeaderName(name string) bool {
	return headers.MatchString(name) && !slices.Contains(plainHeaders, strings.ToLower(name))
}

// HeaderValue reports whether a header's value is one of credentials, whatever the
// header's name.
func HeaderValue(value string) bool {
	return Text.MatchString(value) || scheme.MatchString(value) || signed.MatchString(value) ||
		random.MatchString(value) && digits.MatchString(value) && letter.MatchString(value)
}

// Header is a header's value as it may be shown.
func Header(name, value string) string {
	if value != "" && (HeaderName(name) || HeaderValue(value)) {
		return Hidden
	}
	return URL(value)
}

// Value is the value of a setting as it may be shown; secret says that its name, or
// that of something around it, is one of secrets.
func Value(value string, secret bool) string {
	if value != "" && (secret || Text.MatchString(value)) {
		return Hidden
	}
	return URL(value)
}

// URL hides who asks in the URLs of a text, and what their queries have of secrets.
func URL(text string) string {
	if !strings.ContainsAny(text, "@=") {
		return text
	}
	text = userInfo.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "://") {
			return "://" + Hidden + "@"
		}
		first := ""
		if strings.ContainsAny(found[:1], " \t\n\"'(=") {
			first = found[:1]
		}
		return first + Hidden + "@"
	})
	return inQuery.ReplaceAllString(text, "${1}"+Hidden)
}

// Rule hides what a rule asks of headers and parameters that carry credentials. An
// expression shows at most what they look like.
func Rule(text string) string {
	return matcher.ReplaceAllStringFunc(text, func(found string) string {
		m := matcher.FindStringSubmatch(found)
		exact := !strings.Contains(strings.ToLower(m[1]), "regexp(")
		if m[3] != "" && (exact && HeaderName(m[2]) || HeaderValue(m[3])) {
			return m[1] + Hidden + m[4]
		}
		return found
	})
}
