package history

import (
	"bytes"
	"encoding/json"

	"axion/services/contract"
)

// MaxDepth bounds how deeply JSON is nested that clients give: other programs read no
// deeper.
const MaxDepth = 64

// Canonical returns JSON text as it comes out of the history again: without white space,
// and in the characters that every database and page accepts.
func Canonical(text []byte) (json.RawMessage, error) {
	return contract.JSON(json.RawMessage(bytes.ToValidUTF8(text, []byte("\uFFFD"))))
}

// Depth returns how deeply JSON text is nested.
func Depth(text []byte) (deepest int) {
	depth := 0
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := decoder.Token()
		if err != nil {
			return deepest // its end: that it is JSON is known
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}
