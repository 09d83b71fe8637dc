package readmodel

import (
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/graph/history"
	"axion/services/host"
)

// Config is a project's config: a JSON object, kept as it came, since decoding
// would round its large numbers. The zero value is the empty object.
type Config json.RawMessage

// maxConfig bounds a project's config in bytes of JSON: it travels in messages.
const maxConfig = 32 << 10

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

// UnmarshalJSON reads the object, without white space between its tokens. Null
// is as good as nothing.
func (c *Config) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	raw, err := history.Canonical(text)
	if err != nil {
		return err
	}
	*c = Config(raw)
	return nil
}

// Check refuses a config that is too large, or nested more deeply than other
// programs can read.
func (c Config) Check() error {
	if len(c) > maxConfig {
		return host.Invalid("/config", fmt.Sprintf("must not be larger than %d bytes of JSON", maxConfig))
	}
	if history.Depth(c) > history.MaxDepth {
		return host.Invalid("/config", fmt.Sprintf("must not be nested more than %d deep", history.MaxDepth))
	}
	return nil
}

// text is the form in the database.
func (c Config) text() string {
	if len(c) == 0 {
		return "{}"
	}
	return string(c)
}
