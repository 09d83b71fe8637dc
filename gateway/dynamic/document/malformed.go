package document

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// lineNumber is the place that some errors of the YAML reader say in their text only.
var lineNumber = regexp.MustCompile(`(?:^|\s)line (\d+)(?::|,)?`)

// MalformedYAML says what is wrong with data, which the YAML reader refuses with err:
// in which line, 0 where unknown, and how to fix it, which may be empty.
func MalformedYAML(data []byte, err error) (line int, message, hint string) {
	if line, message, hint = notText(data); message != "" {
		return line, message, hint
	}
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		line, message = e.Mark.Line, e.Message
	} else if m := lineNumber.FindStringSubmatchIndex(message); m != nil {
		line, _ = strconv.Atoi(message[m[2]:m[3]])
		message = strings.TrimSpace(message[m[1]:])
	}
	text := lineOf(data, line)
	if tab, at := tabbed(data, line); tab {
		return at, "the line is indented by a tab", "indent by spaces only"
	}
	for _, c := range complaints {
		if strings.Contains(message, c.says) {
			if c.message != "" {
				message = c.message
			}
			return line, message, c.hint
		}
	}
	if strings.Contains(message, "cannot start any token") {
		first := strings.TrimLeft(text, " -")
		if _, value, ok := strings.Cut(first, ": "); ok {
			first = value
		}
		return line, fmt.Sprintf("a text begins with %q, which has a meaning of its own", string([]rune(first + " ")[:1])),
			"put the text in quotes"
	}
	return line, strings.Join(strings.Fields(message), " "), ""
}

// complaints are what the reader says, and what it means for who wrote the file.
var complaints = []struct{ says, message, hint string }{
	{"mapping values are not allowed", "a colon stands where no key is expected",
		"put a text that holds a colon and a space in quotes, or indent the line as those beside it"},
	{"block sequence entries are not allowed", "a list item stands where none is expected",
		"put the list below its key, one item in each line"},
	{"did not find expected key", "the line is indented otherwise than the keys around it", "indent it as those beside it"},
	{"did not find expected '-' indicator", "the line belongs to a list, and is no item of it",
		"begin it with a dash, or write all of them without: name: value"},
	{"did not find expected node content", "a value is missing, or a bracket is not closed", ""},
	{"did not find expected ',' or", "a bracket is not closed, or a comma is missing", ""},
	{"could not find expected ':'", "a key lacks its colon", "write key: value"},
	{"found unexpected end of stream", "a quote is not closed", ""},
	{"unexpected end of stream", "a quote or bracket is not closed", ""},
	{"unknown anchor", "", "define it above, by &name"},
	{"unknown escape character", "a text in double quotes holds a backslash", "double it, or use single quotes"},
}

// notText reports bytes that are no text in UTF-8.
func notText(data []byte) (line int, message, hint string) {
	const hint8 = "save the file as UTF-8"
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return 1, "the file is UTF-16", hint8
	}
	for at := 0; at < len(data); {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			return 1 + bytes.Count(data[:at], []byte{'\n'}), "the line is not UTF-8", hint8
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			return 1 + bytes.Count(data[:at], []byte{'\n'}), fmt.Sprintf("the line holds the control character %U", r), "remove it"
		}
		at += n
	}
	return 0, "", ""
}

// lineOf is the text of a line.
func lineOf(data []byte, line int) string {
	lines := bytes.Split(data, []byte{'\n'})
	if line < 1 || line > len(lines) {
		return ""
	}
	return string(lines[line-1])
}

// tabbed reports whether a line, or the one before that the reader had not finished
// with, is indented by a tab.
func tabbed(data []byte, line int) (bool, int) {
	for at := line; at >= max(1, line-1); at-- {
		text := lineOf(data, at)
		if indent := text[:len(text)-len(strings.TrimLeft(text, " \t-"))]; strings.Contains(indent, "\t") {
			return true, at
		}
	}
	return false, 0
}
