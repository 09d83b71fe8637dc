package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi/parser"
)

const tabWidth = 4

// clean returns a text of one line that a terminal only shows: of control characters and sequences,
// which move the cursor, change the title or have the terminal answer, colours are left, and
// those only where color is set.
func clean(text string, color bool) string {
	if !hasControl(text) {
		return text
	}
	var b strings.Builder
	text = strings.ToValidUTF8(text, "\uFFFD")
	colored := false
	for text != "" {
		n := sequenceLen(text)
		sequence := text[:n]
		text = text[n:]
		switch {
		case sequence == "\t":
			b.WriteString(strings.Repeat(" ", tabWidth))
		case isColor(sequence):
			if color {
				b.WriteString(sequence)
				colored = true
			}
		case !hasControl(sequence):
			b.WriteString(sequence)
		}
	}
	if colored {
		b.WriteString(reset)
	}
	return b.String()
}

// sequenceLen is the length of the character or control sequence that a text begins with. The
// library's own decoder would find it too, but measures characters by tables whose making
// takes each start of the program 25 ms.
func sequenceLen(text string) int {
	if text[0] != '\x1b' {
		_, n := utf8.DecodeRuneInString(text)
		return n
	}
	state := parser.EscapeState
	for n := 1; n < len(text); n++ {
		switch state, _ = parser.Table.Transition(state, text[n]); state {
		case parser.GroundState:
			return n + 1
		case parser.Utf8State:
			return n // a character, which ends what is no sequence
		}
	}
	return len(text)
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar })
}

// isColor says whether a sequence is one that sets colours, which has no private parameters.
func isColor(sequence string) bool {
	parameters, ok := strings.CutPrefix(sequence, "\x1b[")
	if !ok {
		return false
	}
	parameters, ok = strings.CutSuffix(parameters, "m")
	return ok && strings.Trim(parameters, "0123456789;:") == ""
}
