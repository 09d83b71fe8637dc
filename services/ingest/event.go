package ingest

import (
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
)

// Bounds of one event, apart from [bus.MaxMessage].
const (
	maxAttributes = 64
	maxName       = 64   // bytes of an attribute's name
	maxValue      = 2048 // bytes of an attribute's value
)

const specVersion = "1.0"

// event is one CloudEvent.
type event struct {
	// attributes in order of appearance, by their CloudEvents names, but for
	// the type of the data.
	attributes []attribute
	// contentType of the data; empty where the sender gives none.
	contentType string
	// data is nil where the event has none.
	data []byte
}

type attribute struct{ name, value string }

// get returns the attribute's value, "" where it is missing.
func (e *event) get(name string) string {
	for _, a := range e.attributes {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

// identity is what makes two events the same one, by CloudEvents' rule.
type identity struct{ source, id string }

func (e *event) identity() identity { return identity{e.get("source"), e.get("id")} }

// item is what is to be published once.
type item struct {
	identity identity
	record   bus.Record
}

// items are what is to be published of events.
func items(events []event) []item {
	all := make([]item, len(events))
	for i := range events {
		all[i] = item{events[i].identity(), events[i].record()}
	}
	return all
}

// record is the event in the binary mode of CloudEvents' Kafka binding.
func (e *event) record() bus.Record {
	r := bus.Record{
		Topic: contract.EventsTopic, Key: e.get("partitionkey"), Value: e.data,
		Headers: make(bus.Headers, 0, len(e.attributes)+3),
	}
	for _, a := range e.attributes {
		r.Headers = append(r.Headers, bus.Header{Key: "ce_" + a.name, Value: []byte(a.value)})
	}
	if e.contentType != "" {
		r.Headers = append(r.Headers, bus.Header{Key: "content-type", Value: []byte(e.contentType)})
	}
	return r
}

// place names a part of an event in the request: its attributes have a JSON
// Pointer in structured mode, and a header in binary mode.
type place func(name, detail string) host.FieldError

// check returns what is wrong with the event, by the rules of CloudEvents 1.0.
func (e *event) check(at place) []host.FieldError {
	var wrong []host.FieldError
	refuse := func(name, format string, args ...any) {
		wrong = append(wrong, at(name, fmt.Sprintf(format, args...)))
	}
	for _, name := range []string{"specversion", "id", "source", "type"} {
		if !slices.ContainsFunc(e.attributes, func(a attribute) bool { return a.name == name }) {
			refuse(name, "required")
		}
	}
	if len(e.attributes) > maxAttributes {
		refuse("", "at most %d attributes", maxAttributes)
		return wrong
	}
	seen := map[string]bool{}
	for _, a := range e.attributes {
		if seen[a.name] {
			refuse(a.name, "given twice")
			continue
		}
		seen[a.name] = true
		if detail := a.fault(); detail != "" {
			refuse(a.name, "%s", detail)
		}
	}
	if e.contentType != "" {
		if detail := (attribute{"datacontenttype", e.contentType}).fault(); detail != "" {
			refuse("datacontenttype", "%s", detail)
		}
	}
	return wrong
}

// fault says what is wrong with an attribute, "" where nothing is.
func (a attribute) fault() string {
	switch {
	case !validName(a.name):
		return fmt.Sprintf("an attribute's name is 1 to %d of a-z and 0-9, and not %q", maxName, "data")
	case len(a.value) > maxValue:
		return fmt.Sprintf("longer than %d bytes", maxValue)
	case !utf8.ValidString(a.value):
		return "not UTF-8"
	case strings.ContainsFunc(a.value, forbidden):
		return "holds a control character or a noncharacter"
	}
	switch a.name {
	case "specversion":
		if a.value != specVersion {
			return `must be "` + specVersion + `"`
		}
	case "id", "type", "subject", "partitionkey":
		if a.value == "" {
			return "must not be empty"
		}
	case "source":
		if _, err := url.Parse(a.value); err != nil || a.value == "" {
			return "must be a URI reference"
		}
	case "dataschema":
		if u, err := url.Parse(a.value); err != nil || u.Scheme == "" {
			return "must be an absolute URI"
		}
	case "time":
		if _, err := time.Parse(time.RFC3339Nano, a.value); err != nil {
			return "must be a time in RFC 3339, such as 2025-01-31T12:00:00Z"
		}
	case "datacontenttype":
		if _, _, err := mime.ParseMediaType(a.value); err != nil {
			return "must be a media type"
		}
	}
	return ""
}

func validName(name string) bool {
	return name != "" && len(name) <= maxName && name != "data" &&
		!strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

// forbidden are the characters that CloudEvents keeps out of its strings.
func forbidden(r rune) bool {
	return unicode.IsControl(r) || r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef
}
