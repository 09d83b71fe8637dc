package graph

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/host"
)

// Config is a project's config: a JSON object, kept as it came, since decoding
// would round its large numbers. The zero value is the empty object.
type Config json.RawMessage

// maxConfig bounds a project's config in bytes of JSON: it travels in messages.
const maxConfig = 32 << 10

// maxDepth bounds how deeply a config is nested.
const maxDepth = 64

// Schema says that it is an object; huma validates by it.
func (c Config) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// MarshalJSON gives the object.
func (c Config) MarshalJSON() ([]byte, error) {
	if len(c) == 0 {
		return []byte("{}"), nil
	}
	return c, nil
}

// UnmarshalJSON takes the object, without white space between its tokens. Null
// is as good as nothing.
func (c *Config) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	raw, err := canonical(text)
	if err != nil {
		return err
	}
	*c = Config(raw)
	return nil
}

// check refuses a config that is too large, or nested more deeply than other
// programs can read.
func (c Config) check() error {
	if len(c) > maxConfig {
		return host.Invalid("/config", fmt.Sprintf("must not be larger than %d bytes of JSON", maxConfig))
	}
	if depthOf(c) > maxDepth {
		return host.Invalid("/config", fmt.Sprintf("must not be nested more than %d deep", maxDepth))
	}
	return nil
}

// depthOf is how deeply JSON text is nested.
func depthOf(text []byte) (deepest int) {
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

// text is the form in the database.
func (c Config) text() string {
	if len(c) == 0 {
		return "{}"
	}
	return string(c)
}
