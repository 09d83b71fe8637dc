package store

import (
	"strconv"
	"strings"
)

// numbered rewrites SQLite's placeholders to PostgreSQL's: ? becomes the next
// number, ?n becomes $n. What is quoted or a comment stays as it is.
func numbered(query string) string {
	if !strings.Contains(query, "?") {
		return query
	}
	var out strings.Builder
	highest := 0
	for at := 0; at < len(query); {
		if end := skip(query, at); end > at {
			out.WriteString(query[at:end])
			at = end
			continue
		}
		c := query[at]
		if c != '?' && c != '$' {
			out.WriteByte(c)
			at++
			continue
		}
		end := at + 1
		for end < len(query) && query[end] >= '0' && query[end] <= '9' {
			end++
		}
		if n, err := strconv.Atoi(query[at+1 : end]); err == nil {
			highest = max(highest, n)
			out.WriteString("$" + query[at+1:end])
		} else if c == '?' {
			highest++
			out.WriteString("$" + strconv.Itoa(highest))
		} else {
			out.WriteByte(c)
		}
		at = end
	}
	return out.String()
}

// skip gives the end of the literal, quoted name or comment that begins at at,
// and at itself where none does. One that is not closed reaches to the end.
func skip(query string, at int) int {
	rest := query[at:]
	switch {
	case strings.HasPrefix(rest, "--"):
		return end(query, at+2, "\n")
	case strings.HasPrefix(rest, "/*"):
		return end(query, at+2, "*/")
	case rest[0] == '\'' && escapes(query, at):
		return endEscaped(query, at+1)
	case rest[0] == '\'' || rest[0] == '"':
		// A doubled quote reads as two literals, with the same end.
		return end(query, at+1, rest[:1])
	}
	if tag := dollarTag(query, at); tag != "" {
		return end(query, at+len(tag), tag)
	}
	return at
}

func end(query string, from int, mark string) int {
	if i := strings.Index(query[from:], mark); i >= 0 {
		return from + i + len(mark)
	}
	return len(query)
}

// escapes reports whether the literal at at is one of the form E'…'.
func escapes(query string, at int) bool {
	return at > 0 && (query[at-1] == 'E' || query[at-1] == 'e') && (at == 1 || !isWord(query[at-2]))
}

// endEscaped finds the quote that no backslash stands before.
func endEscaped(query string, from int) int {
	for i := from; i < len(query); i++ {
		switch query[i] {
		case '\\':
			i++
		case '\'':
			return i + 1
		}
	}
	return len(query)
}

// dollarTag is the opening of a literal of the form $tag$…$tag$ at at, or empty.
func dollarTag(query string, at int) string {
	if query[at] != '$' || at > 0 && isWord(query[at-1]) {
		return ""
	}
	for i := at + 1; i < len(query); i++ {
		switch c := query[i]; {
		case c == '$':
			return query[at : i+1]
		case !isWord(c) || i == at+1 && c >= '0' && c <= '9':
			return ""
		}
	}
	return ""
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
