package telemetry

import (
	"encoding/json"
	"strconv"
	"time"
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
