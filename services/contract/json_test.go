package contract

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestJSONError(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"x"`: "the value must be an object, and is string", `{"a":1}`: "a must be a string, and is number",
		`{"b":{"c":[true]}}`: "b.c must be a number, and is bool",
		`{"b":{"c":{}}}`:     "b.c must be an array, and is object", `{"d":0}`: "d must be true or false, and is number",
	} {
		var v struct {
			A string
			B *struct{ C []int }
			D bool
		}
		if got := JSONError(json.Unmarshal([]byte(in), &v)); got == nil || !strings.EqualFold(got.Error(), want) {
			t.Errorf("%s: got %v, want %q", in, got, want)
		}
	}
	if got := JSONError(io.EOF); got != io.EOF {
		t.Errorf("got %v", got)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[any]string{
		"<b>Tom & Jerry</b>": `"<b>Tom & Jerry</b>"`, "tea": `"tea"`, "\x01<": `"\u0001<"`, nil: "null", 7: "7",
	} {
		if got, err := JSON(in); err != nil || string(got) != want {
			t.Errorf("%v: got %s, %v, want %s", in, got, err, want)
		}
	}
	if _, err := JSON(func() {}); err == nil {
		t.Error("a function: got no error")
	}
	if got, err := JSON(map[string]json.RawMessage{"a": []byte(` "<" `)}); err != nil || string(got) != `{"a":"<"}` {
		t.Errorf("raw: got %s, %v", got, err)
	}
}
