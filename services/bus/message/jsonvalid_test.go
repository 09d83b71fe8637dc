package message

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzValidJSON(f *testing.F) {
	for _, text := range []string{
		``, ` `, `null`, `nul`, `true`, `false`, `truex`, `0`, `-0`, `-`, `00`, `1.`, `1.5`, `.5`, `1e`, `1e+`, `1E-7`, `+1`, `1 2`,
		`"`, `""`, `"\`, `"\"`, `"\""`, `"\x"`, `"\u12"`, `"\u12aF"`, `"\u12aG"`, "\"\x00\"", "\"\x1f\"", "\"\x7f\xff\"", `"é"`,
		`{}`, `{`, `}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 , "b" : [ ] }`, `{a:1}`, `{1:1}`, `{,}`, `{"a":1 "b":2}`, `{"a":1]`,
		`[]`, `[`, `]`, `[,]`, `[1,]`, `[1 2]`, `[[[]]]`, `[1}`, "\t\r\n [\n] ", "\v1", "\ufeff1", "1\x00", "[1,\x002]",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, want := validJSON(text), json.Valid(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	})
}

func TestValidDepth(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]bool{maxDepth: true, maxDepth + 1: false} {
		for _, text := range []string{
			strings.Repeat("[", depth) + strings.Repeat("]", depth), strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth),
		} {
			if got := validJSON([]byte(text)); got != want || json.Valid([]byte(text)) != want {
				t.Errorf("%d deep: got %v, want %v as encoding/json", depth, got, want)
			}
		}
	}
}
