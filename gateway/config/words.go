package config

import (
	"regexp"
	"strings"
)

// words put what compose's loader and Go's packages say into the words of who writes
// compose files.
var words = []struct {
	says *regexp.Regexp
	word string
}{
	{regexp.MustCompile(`^decoding failed due to the following error\(s\): `), ""},
	{regexp.MustCompile(`^(?:'[^']*' |\S+: )?unexpected (?:value )?type (\S+(?: \{\})?)(?: for (\S+))?$`), "it must not be ‹$1›"},
	{regexp.MustCompile(`^(?:\S+: )?invalid type (\S+(?: \{\})?)(?: for .*)?$`), "it must not be ‹$1›"},
	{regexp.MustCompile(`'[^']*' expected type '([^']*)', got unconvertible type '([^']*)'.*`), "it must be ‹$1›, not ‹$2›"},
	{regexp.MustCompile(`'[^']*' expected a map(?:ping)?(?:,| or struct,)? got '([^']*)'.*`), "it must be a mapping, not ‹$1›"},
	{regexp.MustCompile(`error parsing regexp: `), "the regular expression is malformed: "},
	{regexp.MustCompile(`parse ("(?:[^"\\]|\\.)*"): (?:net/url: )?`), "$1 is no URL: "},
	{regexp.MustCompile(`(?:netip\.)?Parse(?:Addr|Prefix|AddrPort)\(("(?:[^"\\]|\\.)*")\): .*`), "$1 is neither an IP address nor a range"},
	{regexp.MustCompile(`\b(?:open|stat|lstat|read) (\S+): `), "$1: "},
	{regexp.MustCompile(`strconv\.\w+: parsing ("[^"]*"): .*`), "$1 is not a number"},
	{regexp.MustCompile(`time: (?:invalid|unknown|missing)[^"]*("[^"]*").*`), "$1 is not a duration such as 10s"},
	{regexp.MustCompile(`^invalid interpolation format for (\S+?)[:.] .*`), "a $$ in $1 is neither a variable nor written $$$$"},
	{regexp.MustCompile(`\b(?:yaml|json|mapstructure|toml): `), ""},
	{regexp.MustCompile(`‹map\[.*?›|‹\*?types\.[A-Z]\w*›`), "a mapping"},
	{regexp.MustCompile(`‹\[\].*?›`), "a list"},
	{regexp.MustCompile(`‹string›`), "a text"},
	{regexp.MustCompile(`‹u?int\d*›|‹float\d*›|‹\*?types\.\w+›`), "a number"},
	{regexp.MustCompile(`‹bool›`), "true or false"},
	{regexp.MustCompile(`‹<nil>›`), "empty"},
	{regexp.MustCompile(`[‹›]`), ""},
}

// InWords rewrites a message that may quote an error of Go's packages or of compose's
// loader, so that it is fit for who writes files: one line, without names of types.
func InWords(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	for _, w := range words {
		message = w.says.ReplaceAllString(message, w.word)
	}
	return message
}
