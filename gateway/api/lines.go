package api

import (
	"regexp"
	"slices"
	"strings"

	"axion/gateway/secret"
)

// hider takes out of the lines of a file, one after the other from the first, what
// routing does not need. It knows lines and indentation alone: a file is shown when
// its YAML is malformed, and what is not understood is hidden.
type hider struct {
	toml  bool
	above []parent       // keys that the line may be within, outermost first
	until *regexp.Regexp // ends a quoted text that goes on over lines
	below int            // deeper lines go on the value of a line so deep; -1 for none
	shown bool           // and are shown
}

// parent is a key that lines are within.
type parent struct {
	name   string
	indent int
	closed bool // holds names that anybody may choose
	listed bool // its items are shown
	flow   bool // ends with a bracket, whatever the indentation
}

var (
	// aLabel is a label, with a value or none. Its name may hold variables, and a slip.
	aLabel = regexp.MustCompile(`^(["']?(?i:traefik)\.(?:\$\{[^}]*\}|\$\w+|[^=:"'\x60,$])+)(?:(["']?\s*[=:]\s*)(.*)|["']?,?)$`)
	// moreName is what belongs to the name of a label that was mistyped.
	moreName = regexp.MustCompile(`^[\w.\-:${}]+=`)
	// keyed is the key of a mapping; JSON may do without the space.
	keyed     = regexp.MustCompile(`^("[\pL\w.\-\[\]]+"|'[\pL\w.\-\[\]]+'|[\pL\w.\-\[\]]+|<<)(\s*:(?:\s+|$))(.*)$`)
	jsonKeyed = regexp.MustCompile(`^("[\pL\w.\-\[\]]+")(\s*:\s*)(.*)$`)
	tomlKeyed = regexp.MustCompile(`^((?:[\pL\w.\-]+|"[\pL\w.\-]+")+)(\s*=\s*)([^=].*)$`)
	// assigned is NAME=value, as lists of labels and variables have it.
	assigned  = regexp.MustCompile(`^(["']?[\pL\w.\-\[\]]+=)(.*)$`)
	tomlTable = regexp.MustCompile(`^\[{1,2}([\pL\w.\-"]+)\]{1,2}$`)
	// bare gives structure and no value, wide may go on with values below it, and
	// block is a text below it.
	bare    = regexp.MustCompile(`^(?:---|[\[{]|[\]}]+,?|\[\],?|\{\},?)?$`)
	wide    = regexp.MustCompile(`^(?:[&!]\S+\s*)*(?:[\[{].*)?$`)
	block   = regexp.MustCompile(`^(?:[&!]\S+\s+)*[|>][-+\d]*$`)
	marker  = regexp.MustCompile(`^[|>][-+\d]*$`)
	dashes  = regexp.MustCompile(`^\s*(?:-\s+)*`)
	comment = regexp.MustCompile(`(^|\s)#.*$`)
	// further is one more key on the line, whose value must not slip through.
	further  = regexp.MustCompile(`,\s*(?:"[^"]*"|'[^']*'|[\w.\-]+)\s*(?::(?:\s|$)|=)|,\s*(?:"[^"]*"|'[^']*')\s*:`)
	inQuotes = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^']*'`)
	truth    = regexp.MustCompile(`(?i)^["']?(?:true|false)["']?,?$`)
)

// quotes begin a text, and end it.
var quotes = []struct {
	start      string
	whole, end *regexp.Regexp
}{
	{`"""`, regexp.MustCompile(`^""".*"""`), regexp.MustCompile(`"""`)},
	{`'''`, regexp.MustCompile(`^'''.*'''`), regexp.MustCompile(`'''`)},
	{`"`, regexp.MustCompile(`^"(?:[^"\\]|\\.)*"`), regexp.MustCompile(`^(?:[^"\\]|\\.)*"`)},
	{`'`, regexp.MustCompile(`^'(?:[^']|'')*'(?:[^']|$)`), regexp.MustCompile(`^(?:[^']|'')*'(?:[^']|$)`)},
}

var (
	// routingKeys are the keys whose values say where requests go.
	routingKeys = []string{
		"rule", "ruleSyntax", "service", "entryPoints", "entrypoints", "priority", "middlewares", "url", "address", "scheme", "port",
		"ports", "expose", "image", "container_name", "hostname", "networks", "profiles", "prefix", "prefixes", "weight", "passHostHeader",
		"certResolver", "passthrough",
	}
	// free are the keys below which a key may be called like one of those and mean
	// something else.
	free = []string{"environment", "args", "configs", "secrets", "content", "customrequestheaders", "customresponseheaders", "headers"}
	// assigning have items NAME=value; elsewhere what looks like a name may be a secret.
	assigning = []string{"environment", "labels", "args"}
	// naming are the keys below which names are chosen, even one of free.
	naming = []string{"services", "routers", "middlewares"}
)

// newHider is for the lines of a file of that name.
func newHider(file string) *hider {
	return &hider{toml: strings.HasSuffix(strings.ToLower(file), ".toml"), below: -1}
}

// line is the next line as it is shown.
func (h *hider) line(line string) string {
	start := len(dashes.FindString(line))
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	lead, rest := line[:start], strings.TrimRight(line[start:], " \t")
	if h.until != nil {
		if h.until.MatchString(line) {
			h.until = nil
		}
		return hidden
	}
	if rest == "" {
		return lead
	}
	if h.below >= 0 && indent > h.below {
		if !h.shown {
			return hidden
		}
		if start <= indent && keyOf(rest, h.toml) == nil && !assigned.MatchString(rest) {
			return lead + showText(rest)
		}
	}
	text := strings.TrimRight(comment.ReplaceAllString(rest, ""), " \t")
	if text == "" {
		return lead + "# " + hidden
	}
	h.below = -1
	h.leave(text, start, indent)
	shown := h.text(text, start, indent)
	h.open(rest)
	h.brackets(text)
	if len(text) < len(rest) {
		return lead + shown + " # " + hidden
	}
	if shown == hidden {
		return hidden
	}
	return lead + shown
}

// leave forgets the keys that the line is not within.
func (h *hider) leave(text string, start, indent int) {
	if bare.MatchString(text) && text != "---" || h.in().flow {
		return
	}
	for len(h.above) > 0 {
		at := h.above[len(h.above)-1].indent
		in := at < indent || at == indent && start > indent // a list may be as deep as its key
		if h.toml {
			in = at < 0 || keyOf(text, true) == nil
		}
		if in || h.in().flow {
			return
		}
		h.above = h.above[:len(h.above)-1]
	}
}

// brackets notes those that the line opens or closes: between them indentation tells
// nothing.
func (h *hider) brackets(text string) {
	if h.toml {
		return
	}
	depth := 0
	for _, c := range inQuotes.ReplaceAllString(text, "") {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
	}
	if depth > 0 {
		if m := keyOf(text, false); m == nil || !strings.HasPrefix(m[3], "{") && !strings.HasPrefix(m[3], "[") {
			if text[0] != '{' && text[0] != '[' {
				return // part of a text
			}
			h.push("", 0, false)
		}
		if len(h.above) > 0 {
			h.above[len(h.above)-1].flow = true
		}
		return
	}
	for i := len(h.above) - 1; i >= 0 && depth < 0; i-- {
		if h.above[i].flow {
			h.above, depth = h.above[:i], depth+1
		}
	}
}

// open notes a quoted text that the line begins and does not end.
func (h *hider) open(text string) {
	if m := keyOf(text, h.toml); m != nil {
		text = m[3]
	}
	text = strings.TrimLeft(text, "[{ ")
	for _, q := range quotes {
		if strings.HasPrefix(text, q.start) {
			if !q.whole.MatchString(text) && (!h.toml || len(q.start) > 1) {
				h.until = q.end
			}
			return
		}
	}
}

// text is a line without its indentation and comment.
func (h *hider) text(text string, start, indent int) string {
	if bare.MatchString(text) {
		return text
	}
	if m := tomlTable.FindStringSubmatch(text); m != nil && h.toml {
		h.above = nil
		for name := range strings.SplitSeq(strings.ReplaceAll(m[1], `"`, ""), ".") {
			h.push(name, -1, false)
		}
		return text
	}
	if m := aLabel.FindStringSubmatch(text); m != nil && !h.toml {
		return h.label(text, m, start, indent)
	}
	if m := keyOf(text, h.toml); m != nil {
		if h.in().flow { // so this is no list
			h.above[len(h.above)-1].listed = false
		}
		return h.key(m, start)
	}
	return h.item(text, indent)
}

func keyOf(text string, toml bool) []string {
	if toml {
		return tomlKeyed.FindStringSubmatch(text)
	}
	if m := keyed.FindStringSubmatch(text); m != nil {
		return m
	}
	return jsonKeyed.FindStringSubmatch(text)
}

// push notes a key that lines may be within.
func (h *hider) push(name string, indent int, listed bool) {
	p := parent{name: name, indent: indent, listed: listed,
		closed: strings.HasPrefix(name, "x-") || slices.Contains(free, strings.ToLower(name))}
	if in := h.in(); slices.Contains(naming, in.name) {
		p.closed = in.closed
	} else {
		p.closed = p.closed || in.closed
	}
	h.above = append(h.above, p)
}

func (h *hider) in() parent {
	if len(h.above) == 0 {
		return parent{}
	}
	return h.above[len(h.above)-1]
}

// label is a line that gives one; m are its parts.
func (h *hider) label(text string, m []string, start, indent int) string {
	sep := strings.TrimSpace(strings.TrimLeft(m[2], `"'`))
	name := strings.Trim(m[1], `"'`) + "." + moreName.FindString(m[3])
	shown := !secretLabel(strings.TrimRight(name, ".=")) || truth.MatchString(m[3])
	head := strings.TrimRight(text[:len(text)-len(m[3])], " ")
	if q := text[:1]; strings.ContainsAny(q, `"'`) && !strings.Contains(m[2], q) {
		_, after, _ := strings.Cut(m[3], q)
		shown = shown && strings.Trim(after, ", ") == "" // else there is one more
	}
	if sep == ":" {
		return head + h.value(m[2], m[3], name, start, shown)
	}
	h.below, h.shown = indent, shown && !strings.ContainsAny(text[:1], `"'`)
	switch {
	case m[3] == "":
		return head
	case !shown:
		return head + hidden
	}
	return head + showText(m[3])
}

// key is a line that gives the key of a mapping; m are its parts.
func (h *hider) key(m []string, start int) string {
	name := strings.Trim(m[1], `"'`)
	last := name
	if h.toml {
		for _, part := range strings.Split(name, ".") {
			last = strings.Trim(part, `"`)
			if slices.Contains(free, strings.ToLower(last)) {
				return m[1] + m[2] + hidden
			}
		}
	}
	shown := !h.in().closed && slices.Contains(routingKeys, last)
	return m[1] + strings.TrimRight(m[2], " ") + h.value(m[2], m[3], last, start, shown)
}

// value is what stands after a key so deep, with the space before it.
func (h *hider) value(sep, value, name string, depth int, shown bool) string {
	space := sep[len(strings.TrimRight(sep, " ")):]
	if wide.MatchString(value) {
		h.push(name, depth, shown)
		if bare.MatchString(value) {
			return space + value
		}
	} else if !h.toml {
		h.below, h.shown = depth, shown && !strings.ContainsAny(value[:1], `"'`)
		if marker.MatchString(value) || block.MatchString(value) && shown {
			return space + value
		}
	}
	if !shown {
		return space + hidden
	}
	return space + showText(value)
}

// item is a line that has no key.
func (h *hider) item(text string, depth int) string {
	in := h.in()
	if !h.toml {
		h.below, h.shown = depth, false
	}
	if marker.MatchString(text) {
		return text
	}
	m := assigned.FindStringSubmatch(text)
	switch {
	case m == nil && in.listed:
		return showText(text)
	case m != nil && slices.Contains(assigning, in.name) && strings.Trim(m[2], `="'`) != "":
		return m[1] + hidden
	}
	return hidden
}

// showText shows a value that is not secret by its name.
func showText(text string) string {
	if secretText.MatchString(text) || further.MatchString(text) || text[0] == '{' || text[0] == '[' && strings.Contains(text, "{") {
		return hidden
	}
	return secret.URL(text)
}

// customHeaders matches the labels of headers under free names, also misspelt ones.
var customHeaders = regexp.MustCompile(`^custom.*header`)

// secretLabel tells whether the value of a label is secret. The names that routers
// and middlewares were given do not count: many are called auth.
func secretLabel(name string) bool {
	parts := strings.Split(strings.ToLower(name), ".")
	for i, p := range parts {
		if customHeaders.MatchString(p) || strings.HasPrefix(p, "header") && slices.Contains(parts[:i], "healthcheck") {
			return !isPlainHeader(strings.Join(parts[i+1:], "."))
		}
		if i >= 4 && (p == "basicauth" || p == "digestauth") {
			last := parts[len(parts)-1]
			return last != "realm" && last != "removeheader" && last != "headerfield"
		}
	}
	if len(parts) > 4 {
		parts = parts[4:]
	}
	return slices.ContainsFunc(parts, isSecret)
}
