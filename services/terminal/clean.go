package terminal

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
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
	colored, state := false, byte(0)
	for text != "" {
		sequence, _, n, next := ansi.DecodeSequence(text, state, nil)
		n = max(n, 1)
		text, state = text[min(n, len(text)):], next
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
