package telemetry

import "strings"

// sizeOf is about what an attribute's value takes in memory, in bytes.
func sizeOf(value any) int {
	switch v := value.(type) {
	case string:
		return 16 + len(v)
	case []byte:
		return 24 + len(v)
	case []string:
		n := 24
		for _, s := range v {
			n += 16 + len(s)
		}
		return n
	case []any:
		n := 24
		for _, item := range v {
			n += 16 + sizeOf(item)
		}
		return n
	case map[string]any:
		n := 48
		for k, item := range v {
			n += 64 + len(k) + sizeOf(item)
		}
		return n
	}
	return 16
}

// cut shortens a text to limit bytes, and says so.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
