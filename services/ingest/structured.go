package ingest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	"axion/services/host"
)

// maxBatch bounds the events of one request.
const maxBatch = 1000

// maxReported bounds the faults that one answer lists.
const maxReported = 100

var (
	errNotJSON   = errors.New("the body is not one JSON value in UTF-8")
	errNotObject = errors.New("must be a JSON object")
	errNotArray  = errors.New("the body of a batch must be a JSON array of events")
)

// tooLargeError is a request or an event beyond the bounds.
type tooLargeError struct{ detail string }

func (e *tooLargeError) Error() string { return e.detail }

// parseStructured reads one event in CloudEvents' JSON format.
func parseStructured(body []byte) ([]event, []host.FieldError, error) {
	if !validJSON(body) {
		return nil, nil, errNotJSON
	}
	e, wrong := parseObject(body, "")
	return []event{e}, wrong, nil
}

// parseBatch reads a JSON array of events. Any fault refuses all of it.
func parseBatch(body []byte) ([]event, []host.FieldError, error) {
	if !validJSON(body) {
		return nil, nil, errNotJSON
	}
	var items []json.RawMessage
	if err := json.Unmarshal(body, &items); err != nil || items == nil {
		return nil, nil, errNotArray
	}
	if len(items) > maxBatch {
		return nil, nil, &tooLargeError{fmt.Sprintf("%d events, at most %d in a batch", len(items), maxBatch)}
	}
	events := make([]event, 0, len(items))
	var wrong []host.FieldError
	for i, item := range items {
		e, faults := parseObject(item, "/"+strconv.Itoa(i))
		events = append(events, e)
		if wrong = append(wrong, faults...); len(wrong) >= maxReported {
			return nil, wrong[:maxReported], nil
		}
	}
	return events, wrong, nil
}

// validJSON looks at the bytes too: decoding would replace bad UTF-8 silently.
func validJSON(body []byte) bool { return utf8.Valid(body) && json.Valid(body) }

// parseObject reads the event at pointer, and returns what is wrong with it.
func parseObject(raw json.RawMessage, pointer string) (event, []host.FieldError) {
	at := func(name, detail string) host.FieldError {
		if name == "" {
			return host.FieldError{Detail: detail, Pointer: pointer}
		}
		escaped := strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		return host.FieldError{Detail: detail, Pointer: pointer + "/" + escaped}
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return event{}, []host.FieldError{at("", errNotObject.Error())}
	}
	var e event
	var wrong []host.FieldError
	members := map[string]json.RawMessage{}
	for decoder.More() {
		// The document is valid JSON, so that neither step can fail.
		key, _ := decoder.Token()
		name, _ := key.(string)
		var value json.RawMessage
		_ = decoder.Decode(&value)
		if len(e.attributes) > maxAttributes {
			break // check reports it
		}
		switch name {
		case "data", "data_base64", "datacontenttype":
			if _, twice := members[name]; twice {
				wrong = append(wrong, at(name, "given twice"))
			}
			members[name] = value
		default:
			text, ok, detail := attributeText(value)
			if detail != "" {
				wrong = append(wrong, at(name, detail))
			}
			if ok {
				e.attributes = append(e.attributes, attribute{name, text})
			}
		}
	}
	if wrong = append(wrong, e.readData(members, at)...); len(wrong) > 0 {
		return e, wrong
	}
	return e, e.check(at)
}

// attributeText returns the canonical text of an attribute, and false where it
// is unset (null).
func attributeText(raw json.RawMessage) (text string, ok bool, detail string) {
	switch raw[0] {
	case 'n':
		return "", false, ""
	case '"':
		_ = json.Unmarshal(raw, &text) // it is a valid string
		return text, true, ""
	case 't', 'f':
		return string(raw), true, ""
	case '{', '[':
		return "", true, "must be a string, a number or a boolean"
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || n != math.Trunc(n) || n < math.MinInt32 || n > math.MaxInt32 {
		return "", true, "a number must be an integer of 32 bits"
	}
	return strconv.FormatInt(int64(n), 10), true, ""
}

// readData reads the data and its type from the object's members.
func (e *event) readData(members map[string]json.RawMessage, at place) []host.FieldError {
	data, encoded := present(members["data"]), present(members["data_base64"])
	if declared := present(members["datacontenttype"]); declared != nil {
		if json.Unmarshal(declared, &e.contentType) != nil || e.contentType == "" {
			return []host.FieldError{at("datacontenttype", "must be a media type")}
		}
	}
	var text string
	switch {
	case data != nil && encoded != nil:
		return []host.FieldError{at("data_base64", "given beside data")}
	case encoded != nil:
		raw, err := []byte(nil), json.Unmarshal(encoded, &text)
		if err == nil {
			raw, err = base64.StdEncoding.DecodeString(text)
		}
		if err != nil {
			return []host.FieldError{at("data_base64", "must be a string in base64")}
		}
		e.data = append([]byte{}, raw...) // never nil: no bytes are data too
	case data == nil:
	case e.contentType == "":
		e.data, e.contentType = data, "application/json"
	case isJSON(e.contentType):
		e.data = data
	case json.Unmarshal(data, &text) != nil:
		return []host.FieldError{at("data", "must be a string, since datacontenttype is not JSON")}
	default:
		e.data = []byte(text)
	}
	return nil
}

// present returns nil for a member that is missing or null.
func present(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// isJSON reports whether a media type declares JSON.
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json"))
}
