package message

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"

	"axion/services/contract"
)

// EncodeNest encodes v as a NestJS peer would send it: null is no value, a
// string or a []byte stays raw, everything else is JSON.
func EncodeNest(v any) ([]byte, error) {
	if raw, ok := v.([]byte); ok {
		return raw, nil
	}
	b, err := encodeJSON(v)
	if err != nil || len(b) == 0 || b[0] != '"' {
		return b, err
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, err
	}
	return []byte(s), nil
}

// encodeJSON encodes v as JSON; null is no value.
func encodeJSON(v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	if raw, ok := v.(json.RawMessage); ok && validJSON(raw) {
		if string(bytes.TrimSpace(raw)) == "null" {
			return nil, nil
		}
		return raw, nil
	}
	b, err := contract.JSON(v)
	if err != nil || string(b) == "null" {
		return nil, err
	}
	return b, nil
}

// JSONForm returns the JSON form of a value off the wire, whatever its bytes are:
// a value that is not declared to be JSON is read as NestJS reads it.
func JSONForm(value []byte, declaredJSON bool) json.RawMessage {
	if value == nil {
		return json.RawMessage("null")
	}
	if len(value) > 0 {
		first := value[0]
		if (declaredJSON || first == '{' || first == '[') && validJSON(value) {
			return value
		}
		if first == 0 {
			return append(base64.StdEncoding.AppendEncode([]byte{'"'}, value), '"')
		}
	}
	quoted, err := json.Marshal(string(value))
	if err != nil { // a string always marshals; keep the rule "Data is JSON" anyway
		return json.RawMessage("null")
	}
	return quoted
}

// Decode reads a value into v, as JSON where [JSONForm] would take it for that.
// NestJS sends strings, numbers and booleans bare, so that "42" may be meant for
// either.
func Decode(value []byte, declaredJSON bool, v any) error {
	if value == nil {
		return json.Unmarshal([]byte("null"), v)
	}
	if len(value) > 0 && (declaredJSON || value[0] == '{' || value[0] == '[') {
		err := json.Unmarshal(value, v)
		if _, malformed := errors.AsType[*json.SyntaxError](err); !malformed { // found before v is touched
			return err
		}
	}
	data := JSONForm(value, declaredJSON)
	switch v := v.(type) {
	case *string:
		*v = string(value)
		return nil
	case *[]byte:
		*v = bytes.Clone(value)
		return nil
	case *any, *json.RawMessage:
		return json.Unmarshal(data, v)
	}
	if json.Unmarshal(value, v) == nil {
		return nil
	}
	return json.Unmarshal(data, v)
}
