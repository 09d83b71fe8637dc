package telemetry

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// appendSpan appends what [json.Marshal] makes of a span, but for the order of the
// attributes: spans come in thousands a second, and Marshal finds out anew how each
// value is to be written.
func appendSpan(to []byte, s *Span) (_ []byte, err error) {
	to = append(to, '{')
	for _, field := range [...]struct{ name, value string }{
		{`"traceId":`, s.TraceID}, {`,"spanId":`, s.SpanID}, {`,"parentId":`, s.ParentID}, {`,"name":`, s.Name},
		{`,"kind":`, s.Kind}, {`,"service":`, s.Service}, {`,"error":`, s.Error},
	} {
		if to, err = appendText(append(to, field.name...), field.value); err != nil {
			return to, err
		}
	}
	if s.Instance != "" {
		if to, err = appendText(append(to, `,"instance":`...), s.Instance); err != nil {
			return to, err
		}
	}
	if to, err = appendTime(append(to, `,"start":`...), s.Start); err != nil {
		return to, err
	}
	if to, err = appendTime(append(to, `,"end":`...), s.End); err != nil {
		return to, err
	}
	if to, err = appendAttributes(append(to, `,"attributes":`...), s.Attributes); err != nil {
		return to, err
	}
	if to, err = appendList(append(to, `,"events":`...), s.Events); err != nil {
		return to, err
	}
	to, err = appendList(append(to, `,"links":`...), s.Links)
	return append(to, '}'), err
}

func appendAttributes(to []byte, attributes map[string]any) (_ []byte, err error) {
	if attributes == nil {
		return append(to, "null"...), nil
	}
	before := byte('{')
	for name, value := range attributes {
		if to, err = appendText(append(to, before), name); err != nil {
			return to, err
		}
		if to, err = appendValue(append(to, ':'), value); err != nil {
			return to, err
		}
		before = ','
	}
	if before == '{' {
		to = append(to, before)
	}
	return append(to, '}'), nil
}

// appendValue appends an attribute's value: nearly all are of a few kinds.
func appendValue(to []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return appendText(to, v)
	case int64:
		return strconv.AppendInt(to, v, 10), nil
	case bool:
		return strconv.AppendBool(to, v), nil
	}
	return appendMarshalled(to, value)
}

// appendList appends events or links, which most spans have none of.
func appendList[T any](to []byte, list []T) ([]byte, error) {
	if list != nil && len(list) == 0 {
		return append(to, "[]"...), nil
	}
	return appendMarshalled(to, list)
}

// appendText appends a JSON string.
func appendText(to []byte, text string) ([]byte, error) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendMarshalled(to, text)
		}
	}
	to = append(to, '"')
	to = append(to, text...)
	return append(to, '"'), nil
}

func appendTime(to []byte, at time.Time) ([]byte, error) {
	if year := at.Year(); year < 0 || year > 9999 || at.Location() != time.UTC {
		return appendMarshalled(to, at) // which refuses some
	}
	return at.AppendFormat(to, `"`+time.RFC3339Nano+`"`), nil
}

func appendMarshalled(to []byte, value any) ([]byte, error) {
	text, err := json.Marshal(value)
	return append(to, text...), err
}

// encodedSpan is a span as it is kept. What is not needed to list and to find it is in one
// text, and no pointer leads from there: the collector, which would follow those of
// every kept span again and again, passes it by.
type encodedSpan struct {
	name, service string
	start, end    int64 // Unix time in nanoseconds
	root, failed  bool
	searchText    string // what [Filter.Text] is looked for in, in lower case
	text          string // the span, as JSON
}

// maxSearchText bounds what can be found of one attribute, in bytes.
const maxSearchText = 4 << 10

// separator is between words, so that none is found across two of them.
const separator = "\x00"

// buffers are those that spans are packed in.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func encode(s *Span) (encodedSpan, error) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	words := appendSearchText((*buffer)[:0], s.Name)
	for _, word := range [...]string{s.Service, s.TraceID, s.Error} {
		words = appendSearchText(append(words, separator...), word)
	}
	for _, v := range s.Attributes {
		if word, ok := v.(string); ok {
			words = appendSearchText(append(words, separator...), word)
		}
	}
	size := len(words)
	all, err := appendSpan(words, s)
	*buffer = all[:0]
	if err != nil {
		return encodedSpan{}, err
	}
	return encodedSpan{
		name: s.Name, service: s.Service, start: s.Start.UnixNano(), end: s.End.UnixNano(), root: s.ParentID == "", failed: s.Error != "",
		searchText: string(all[:size]), text: string(all[size:]),
	}, nil
}

// appendSearchText appends the beginning of a text in lower case.
func appendSearchText(to []byte, word string) []byte {
	word = word[:min(len(word), maxSearchText)]
	start := len(to)
	for i := range len(word) {
		c := word[i]
		if c >= utf8.RuneSelf {
			return append(to[:start], strings.ToLower(word)...)
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		to = append(to, c)
	}
	return to
}

// span is what was packed. Its numbers are each a [json.Cursor].
func (p *encodedSpan) span() (s Span) {
	numbers := json.NewDecoder(strings.NewReader(p.text))
	numbers.UseNumber()
	_ = numbers.Decode(&s) // it is what pack has written
	return s
}

// size is about what a span takes in memory, in bytes, with its trace: most have few.
func (p *encodedSpan) size() int { return 400 + len(p.searchText) + len(p.text) }
