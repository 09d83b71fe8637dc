package rule

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Doubt is what is wrong with a rule that can be read: Traefik serves the router,
// and a matcher of it is not what its author meant, mostly one that no request
// meets. Columns are as those of [Error].
type Doubt struct {
	Line, Column int
	Message      string
	Hint         string // how to fix it, may be empty
}

// String is the message with its place in the rule.
func (d Doubt) String() string {
	return (&Error{Line: d.Line, Column: d.Column, Message: d.Message}).Error()
}

// Doubts lists them in the order of the rule.
func (r *Rule) Doubts() []Doubt { return r.doubts }

// Doubts lists them in the order of the rule.
func (r *TCPRule) Doubts() []Doubt { return r.doubts }

// never is how a doubt ends about a matcher that no request meets.
const never = ": no request ever matches"

// doubt looks at one matcher's arguments. It is empty where all is well.
func doubt(name string, args []string) (message, hint string) {
	if name == "Host" && plainHost(args[0]) {
		return "", ""
	}
	for _, a := range args {
		if message, hint = wrapped(name, a, args); message != "" {
			return message, hint
		}
	}
	switch name {
	case "Host", "HostSNI":
		return doubtHost(name, args[0])
	case "HostRegexp", "HostSNIRegexp":
		return doubtHostRegexp(name, args[0])
	case "Path", "PathPrefix":
		return doubtPath(name, args[0])
	case "PathRegexp":
		return doubtPathRegexp(args[0])
	case "Query", "QueryRegexp":
		return doubtQuery(name, args)
	case "Method":
		return doubtMethod(args[0])
	case "Header", "HeaderRegexp":
		return doubtHeader(name, args)
	}
	return "", ""
}

// wrapped reports an argument within spaces, or within quotes of its own.
func wrapped(name, arg string, all []string) (message, hint string) {
	if strings.HasPrefix(name, "Query") || name == "HeaderRegexp" {
		return "", "" // a value may be anything
	}
	bare := strings.TrimSpace(arg)
	message = fmt.Sprintf("%q has spaces around it, which Traefik compares too", arg)
	if q := bare[:min(1, len(bare))]; len(bare) > 2 && strings.Contains("'\"`", q) && strings.HasSuffix(bare,
		q) && !strings.HasPrefix(name, "Header") {
		bare = strings.TrimSpace(strings.Trim(bare, "'\"`"))
		message = fmt.Sprintf("%q holds quotes of its own", arg)
	}
	if bare == arg || bare == "" {
		return "", ""
	}
	written := make([]string, len(all))
	for i, a := range all {
		if written[i] = quote(a); a == arg {
			written[i] = quote(bare)
		}
	}
	return message + never, "write " + name + "(" + strings.Join(written, ", ") + ")"
}

var (
	// v2Pattern is Traefik v2's {name} and {name:expression}; Go's own {2,3} has no name.
	v2Pattern = regexp.MustCompile(`\{([A-Za-z_][\w-]*)(?::((?:[^{}]|\{[^{}]*\})*))?\}`)
	variable  = regexp.MustCompile(`\$\{?[A-Za-z_]\w*\}?|\{\{.*?\}\}|\{\$\w+\}`)
	scheme    = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://`)
	hostPort  = regexp.MustCompile(`^(.*[^:]):(\d+|\*|)$`)
)

// v3 writes text with v2's patterns as an expression of Go.
func v3(text, anyText string) string {
	var b strings.Builder
	at := 0
	for _, m := range v2Pattern.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(regexp.QuoteMeta(text[at:m[0]]))
		if m[4] >= 0 {
			b.WriteString("(?:" + text[m[4]:m[5]] + ")")
		} else {
			b.WriteString(anyText)
		}
		at = m[1]
	}
	return b.String() + regexp.QuoteMeta(text[at:])
}

func v2(name, text string) string {
	return fmt.Sprintf("%s is Traefik v2's syntax: v3 takes the braces of %q literally", v2Pattern.FindString(text), name+"("+quote(text)+")")
}

// call is how a matcher is written.
func call(name, arg string) string { return name + "(" + quote(arg) + ")" }

func doubtHost(name, host string) (message, hint string) {
	rest := scheme.ReplaceAllString(host, "")
	bare, path, slashed := strings.Cut(rest, "/")
	port := hostPort.FindStringSubmatch(bare)
	if _, err := netip.ParseAddr(strings.Trim(bare, "[]")); err == nil {
		port = nil
	}
	corrected := bare
	if port != nil {
		corrected = port[1]
	}
	corrected = call(name, corrected)
	if path != "" && name == "Host" {
		corrected += " && " + call("PathPrefix", "/"+path)
	}
	switch {
	case variable.MatchString(host):
		return fmt.Sprintf("%q holds %s, and nothing puts a value there", host, variable.FindString(host)) + never,
			"set the variable; files of dynamic configuration take {{ env \"NAME\" }}"
	case strings.ContainsAny(host, ", |"):
		var all []string
		for _, h := range strings.FieldsFunc(host, func(r rune) bool { return strings.ContainsRune(", |", r) }) {
			all = append(all, call(name, h))
		}
		return fmt.Sprintf("%q is taken for one host", host) + never, "write " + strings.Join(all, " || ")
	case rest != host:
		return fmt.Sprintf("%q holds a scheme, which is not part of a host", host) + never, "write " + corrected
	case slashed:
		return fmt.Sprintf("%q holds a path, which is not part of a host", host) + never, "write " + corrected
	case port != nil:
		return fmt.Sprintf("%q holds a port, which is not compared", host) + never, "write " + corrected + ": the entrypoint decides on the port"
	case strings.HasPrefix(host, "."), strings.Contains(host, ".."):
		return fmt.Sprintf("%q has an empty label", host) + never, "write " + call(name,
			"*."+strings.Trim(strings.ReplaceAll(host, "..", "."), ".")) + " for all names below it"
	}
	if c := strange(strings.ToLower(host)); c != "" {
		return fmt.Sprintf("%q holds %q, which no host has", host, c) + never, ""
	}
	return "", ""
}

// plainHost reports whether a host is of letters, digits and dashes alone, between
// single dots: nothing about it is doubtful, and most are.
func plainHost(host string) bool {
	dot := true
	for i := range len(host) {
		c := host[i]
		if c == '.' && dot || c != '.' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
		dot = c == '.'
	}
	return host != ""
}

// strange is the first character that no host has, or empty.
func strange(host string) string {
	for i, c := range host {
		if !hostRune(c) {
			_, n := utf8.DecodeRuneInString(host[i:])
			return host[i : i+n]
		}
	}
	return ""
}

func hostRune(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.ContainsRune("-._*:[]%~", c)
}

func doubtHostRegexp(name, expr string) (message, hint string) {
	if v2Pattern.MatchString(expr) {
		return v2(name, expr) + never, "write " + call(name, "^"+v3(expr, "[^.]+")+"$")
	}
	for _, c := range needed(expr) {
		switch {
		case c >= 'A' && c <= 'Z':
			return fmt.Sprintf("%q asks for %q, and hosts are compared in lower case", expr, c) + never, "write " + call(name, "(?i)"+expr)
		case c == '/', c == ':', !hostRune(c):
			return fmt.Sprintf("%q asks for %q, which no host has: scheme, port and path are not part of it", expr, c) + never, ""
		}
	}
	return "", ""
}

func doubtPath(name, path string) (message, hint string) {
	end := "$"
	if name == "PathPrefix" {
		end = ""
	}
	before, query, asked := strings.Cut(path, "?")
	switch {
	case v2Pattern.MatchString(path):
		return v2(name, path), "write " + call("PathRegexp", "^"+v3(path, "[^/]+")+end)
	case asked:
		hint = "write " + call(name, before)
		if key, value, _ := strings.Cut(query, "="); key != "" {
			hint += " && Query(" + quote(key) + ", " + quote(value) + ")"
		}
		return fmt.Sprintf("%q holds a query, which is not part of a path", path) + never, hint
	case strings.Contains(path, "#"):
		return fmt.Sprintf("%q holds a fragment, which clients do not send", path) + never, ""
	case strings.Contains(path, "*"):
		star := strings.ReplaceAll(regexp.QuoteMeta(path), `\*`, ".*")
		if strings.HasSuffix(path, "/*") || strings.HasSuffix(path, "/**") {
			return fmt.Sprintf("the * of %q stands for itself, not for any text", path), "write " + call("PathPrefix", strings.TrimRight(path, "*"))
		}
		return fmt.Sprintf("the * of %q stands for itself, not for any text", path), "write " + call("PathRegexp", "^"+star+end)
	case variable.MatchString(path):
		return fmt.Sprintf("%q holds %s, and nothing puts a value there", path, variable.FindString(path)),
			"set the variable; files of dynamic configuration take {{ env \"NAME\" }}"
	}
	if seen := seenPath(path, name == "PathPrefix"); seen != path {
		return fmt.Sprintf("%q is not a form in which rules see a path", path) + never, "write " + call(name, seen)
	}
	return "", ""
}

// seenPath is a path as rules see it in a request.
func seenPath(path string, prefix bool) string {
	normal, err := decode(path, isUnreserved)
	if err != nil {
		return path
	}
	if !prefix || !strings.HasSuffix(normal, "/.") { // the prefix of "/.well-known"
		normal = cleanPath(normal)
	}
	seen, err := decode(normal, func(c byte) bool { return strings.IndexByte(reserved, c) < 0 })
	if err != nil {
		return path
	}
	return seen
}

func doubtPathRegexp(expr string) (message, hint string) {
	if v2Pattern.MatchString(expr) {
		return v2("PathRegexp", expr), "write " + call("PathRegexp", "^"+v3(strings.TrimSuffix(strings.TrimPrefix(expr, "^"), "$"), "[^/]+"))
	}
	for _, c := range needed(expr) {
		if c == '?' || c == '#' {
			return fmt.Sprintf("%q asks for %q: neither query nor fragment is part of a path", expr, c) + never,
				"ask for the query with Query or QueryRegexp"
		}
	}
	return "", ""
}

func doubtQuery(name string, args []string) (message, hint string) {
	key := strings.TrimPrefix(args[0], "?")
	before, value, paired := strings.Cut(key, "=")
	if !paired && key == args[0] && !strings.Contains(key, "&") {
		return "", ""
	}
	if len(args) > 1 {
		before, value = strings.TrimRight(before, "&="), args[1]
	}
	value, _, _ = strings.Cut(value, "&")
	if value == "*" || v2Pattern.MatchString(value) {
		name, value = "QueryRegexp", v3(value, ".*")
		value = strings.ReplaceAll(value, `\*`, ".*")
	}
	message = fmt.Sprintf("%s asks for a parameter with the name %q", name, args[0])
	if paired && len(args) == 1 {
		message = fmt.Sprintf("%s is Traefik v2's syntax: v3 asks for a parameter with the name %q", call(name, args[0]), args[0])
	}
	return message, "write " + name + "(" + quote(before) + ", " + quote(value) + ")"
}

func doubtMethod(method string) (message, hint string) {
	if isToken(method) {
		return "", ""
	}
	var all []string
	for _, m := range strings.FieldsFunc(method, func(r rune) bool { return !isToken(string(r)) || r == '|' }) {
		all = append(all, call("Method", strings.ToUpper(m)))
	}
	return fmt.Sprintf("%q is not a method", method) + never, "write " + strings.Join(all, " || ")
}

func doubtHeader(name string, args []string) (message, hint string) {
	switch {
	case strings.EqualFold(args[0], "Host"):
		return "the header Host is not among those that rules see" + never, "write Host(`…`) or HostRegexp(`…`)"
	case !isToken(args[0]):
		return fmt.Sprintf("%q is not the name of a header", args[0]) + never,
			"write " + name + "(" + quote(strings.TrimRight(args[0], ": ")) + ", " + quote(args[1]) + ")"
	}
	return "", ""
}

// isToken reports whether text is a method or a header's name (RFC 9110, section 5.6.2).
func isToken(text string) bool {
	for _, c := range text {
		if c <= ' ' || c >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}|", c) {
			return false
		}
	}
	return text != ""
}
