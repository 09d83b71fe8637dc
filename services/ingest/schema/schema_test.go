package schema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

func compile(t testing.TB, text string) *Schema {
	t.Helper()
	s, err := Compile([]byte(text))
	if err != nil {
		t.Fatalf("Compile: %v", err)
	}
	return s
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, schema, value, want string }{
		{"OK", `{"type":"object","required":["v"],"properties":{"v":{"type":"number"}}}`, `{"v":1}`, ""},
		{"OKTrue", `true`, `1`, ""},
		{"OKEmpty", `{}`, `1`, ""},
		{"OKRecursive", `{"properties":{"next":{"$ref":"#"}},"required":["v"]}`, `{"v":1,"next":{"v":2}}`, ""},
		{"OKDynamic", `{"$dynamicAnchor":"n","properties":{"next":{"$dynamicRef":"#n"}},"unevaluatedProperties":false}`, `{"next":{"next":{}}}`,
			""},
		{"OKDraft7", `{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"string","format":"date"}],"additionalItems":false}`,
			`["2026-01-01"]`, ""},
		{"OKMeta", `{"$ref":"https://json-schema.org/draft/2020-12/schema"}`, `{"type":"object","properties":{"a":{"pattern":"^a$"}}}`, ""},
		{"OKOneOf", `{"oneOf":[{"type":"string"},{"type":"number","multipleOf":0.5}]}`, `1.5`, ""},
		{"OKUnique", `{"uniqueItems":true}`, `[1,"1",[1],{"a":1}]`, ""},
		{"False", `false`, `1`, ": false schema"},
		{"Type", `{"properties":{"a/b":{"type":"string"}}}`, `{"a/b":1}`, "/a~1b: got number, want string"},
		{"Required", `{"required":["v"]}`, `{}`, ": missing property 'v'"},
		{"Enum", `{"items":{"enum":["a","b"]}}`, `["a","c"]`, "/1: value must be one of 'a', 'b'"},
		{"Format", `{"$schema":"http://json-schema.org/draft-07/schema#","format":"date"}`, `"x"`, ": 'x' is not valid date"},
		{"Unique", `{"uniqueItems":true}`, `[1,2,1.0]`, ": items at 0 and 2 are equal"},
		{"Cycle", `{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}`, `1`, "reference cycle"},
		{"LongText", `{"pattern":"^a"}`, `"` + strings.Repeat("b", 100_000) + `"`, "bb…' does not match pattern '^a'"},
		{"NotJSON", `{}`, `{`, ": is not JSON"},
		{"Exponent", `{"items":{"minimum":1}}`, `[1e1000000]`, "/0: a number of more than 400 digits"},
		{"Digits", `{"properties":{"a":{"multipleOf":3}}}`, `{"a":` + strings.Repeat("1", 500) + `}`, "/a: a number of more than 400 digits"},
		{"Deep", `{}`, strings.Repeat("[", 100) + strings.Repeat("]", 100), ": is nested more than 64 deep"},
		{"Many", `{"items":{"type":"string"}}`, "[" + strings.Repeat("1,", 50_000) + "1]", ": does not fit the schema, in more ways"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			faults, err := compile(t, tc.schema).Validate(NewBudget(t.Context()), []byte(tc.value), 3)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, f := range faults {
				got += f.Pointer + ": " + f.Detail + "\n"
				if len(f.Detail) > maxDetail+5 {
					t.Errorf("a detail of %d bytes", len(f.Detail))
				}
			}
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, schema, pointer, says string }{
		{"NotJSON", `{`, "", "not JSON"},
		{"Null", `null`, "", "an object, true or false"},
		{"Array", `[]`, "", "an object, true or false"},
		{"Text", `"x"`, "", "an object, true or false"},
		{"Keyword", `{"type":"nothing"}`, "", "not a JSON Schema"},
		{"File", `{"$ref":"file:///etc/passwd"}`, "", "is not loaded"},
		{"Address", `{"$ref":"http://127.0.0.1:1/x"}`, "", "is not loaded"},
		{"Draft", `{"$schema":"http://127.0.0.1:1/x"}`, "", "is not loaded"},
		{"ItselfAsDraft", `{"$schema":"schema:///schema.json"}`, "", "not a JSON Schema"},
		{"Long", `{"title":"` + strings.Repeat("x", MaxText) + `"}`, "", "bytes, and may have 65536"},
		{"Parts", `{"enum":[` + strings.Repeat("[],", 1500) + `1]}`, "", "may have 1000"},
		{"IDs", `{"$defs":{` + strings.TrimSuffix(list(30, `"d%[1]d":{"$id":"a%[1]d"}`), ",") + `}}`, "", "may have 20"},
		{"Deep", strings.Repeat(`{"not":`, 100) + "{}" + strings.Repeat("}", 100), strings.Repeat("/not", 33), "nested more than 32 deep"},
		{"Number", `{"properties":{"a":{"minimum":1e999999}}}`, "/properties/a/minimum", "exponent beyond 400"},
		{"PatternSize", `{"pattern":"(((abcd){10}){10}){10}"}`, "", "more than 2000 instructions"},
		{"PatternLength", `{"patternProperties":{"` + strings.Repeat("x", 2000) + `":{}}}`, "", "and may have 1000"},
		{"Patterns", `{"allOf":[` + strings.TrimSuffix(list(10, `{"pattern":"(a|b){500}c%d"}`), ",") + `]}`, "",
			"more than 10000 instructions together"},
		{"PatternSyntax", `{"pattern":"("}`, "", "missing closing )"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile([]byte(tc.schema))
			var wrong *Fault
			if !errors.As(err, &wrong) || wrong.Pointer != tc.pointer || !strings.Contains(wrong.Detail, tc.says) {
				t.Fatalf("got %v, want %s: %s", err, tc.pointer, tc.says)
			}
			if wd := "services/ingest"; strings.Contains(err.Error(), wd) {
				t.Errorf("the working directory is named: %v", err)
			}
		})
	}
}

func list(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+",", i)
	}
	return b.String()
}

// doubling is a schema whose every part asks for the next one twice.
func doubling(levels int, keyword, end string) string {
	defs := list(levels, `"d%[1]d":{"`+keyword+`":[{"$ref":"#/$defs/d%[1]d_"},{"$ref":"#/$defs/d%[1]d_"}]}`)
	for i := range levels {
		defs = strings.ReplaceAll(defs, fmt.Sprintf("/d%d_", i), fmt.Sprintf("/d%d", i+1))
	}
	return fmt.Sprintf(`{"$ref":"#/$defs/d0","$defs":{%s"d%d":%s}}`, defs, levels, end)
}

// dear are small schemas with values that cost far too much.
var dear = []struct{ name, schema, value string }{
	{"AllOf", doubling(25, "allOf", `{}`), `1`},
	{"AllOfFails", doubling(25, "allOf", `{"type":"string"}`), `1`},
	{"AnyOf", doubling(25, "anyOf", `{"type":"string"}`), `1`},
	{"OneOf", doubling(25, "oneOf", `{"type":"string"}`), `1`},
	{"Unevaluated", doubling(25, "allOf", `{"unevaluatedProperties":true}`), `{"a":1}`},
	{"UnevaluatedWide", `{"allOf":[` + strings.TrimSuffix(list(400, `{"unevaluatedProperties":true,"minProperties":%d}`), ",") + `]}`,
		"{" + strings.TrimSuffix(list(50_000, `"k%d":1`), ",") + "}"},
	{"Dynamic", `{"$dynamicAnchor":"n","items":{"allOf":[{"$dynamicRef":"#n"},{"$dynamicRef":"#n"},{"$dynamicRef":"#n"}]}}`,
		strings.Repeat("[", 60) + strings.Repeat("]", 60)},
	{"Unique", `{"items":{"uniqueItems":true,"allOf":[{"uniqueItems":true},{"uniqueItems":true}]}}`,
		"[" + strings.TrimSuffix(list(2000, `[%d,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]`), ",") + "]"},
	{"Enum", `{"items":{"enum":[` + strings.TrimSuffix(list(8000, `%d`), ",") + `]}}`, "[" + strings.Repeat("7999,", 50_000) + "7999]"},
	{"Pattern", `{"items":{"pattern":"(a|b|ab)*c{500}"}}`, `["` + strings.Repeat("ab", 200_000) + `"]`},
	{"PatternProperties", `{"patternProperties":{` + strings.TrimSuffix(list(300, `"a%d.*b.*c":{}`), ",") + `}}`,
		"{" + strings.TrimSuffix(list(20_000, `"aaaaaaaaaaaaaaaaaaaaaaaaaaa%d":1`), ",") + "}"},
	{"RegexFormat", `{"$schema":"http://json-schema.org/draft-07/schema#","items":{"format":"regex"}}`,
		"[" + strings.Repeat(`"((((((a|b){9}c){9}d){9}))))",`, 20_000) + "1]"},
	{"Contains", `{"contains":{"contains":{"contains":{"const":1}}}}`,
		"[" + strings.Repeat("["+strings.Repeat("["+strings.Repeat("2,", 200)+"2],", 30)+"[]],", 30) + "[]]"},
	{"Numbers", `{"items":{"multipleOf":1e-300,"minimum":1e-300}}`, "[" + strings.Repeat("1e300,", 100_000) + "1]"},
	{"If", `{"$defs":{"a":{"if":{"items":{"$ref":"#/$defs/a"}},"then":{"items":{"$ref":"#/$defs/a"}}}},"$ref":"#/$defs/a"}`,
		strings.Repeat("[", 60) + strings.Repeat("]", 60)},
	{"DependentSchemas", `{"dependentSchemas":{` + strings.TrimSuffix(list(300, `"k%d":{"minProperties":1}`), ",") + `}}`,
		"{" + strings.TrimSuffix(list(40_000, `"k%d":1`), ",") + "}"},
	{"PropertyNames", `{"propertyNames":{"allOf":[` + strings.TrimSuffix(list(300, `{"minLength":%d}`), ",") + `]}}`,
		"{" + strings.TrimSuffix(list(40_000, `"k%d":1`), ",") + "}"},
	{"DeepAndChained", `{"$ref":"#/$defs/c0","$defs":{` + chain(300) + `}}`, strings.Repeat("[", 60) + strings.Repeat("]", 60)},
}

func chain(n int) string {
	defs := list(n, `"c%[1]d":{"$ref":"#/$defs/c%[1]d_"}`)
	for i := range n {
		defs = strings.ReplaceAll(defs, fmt.Sprintf("/c%d_", i), fmt.Sprintf("/c%d", i+1))
	}
	return defs + fmt.Sprintf(`"c%d":{"items":{"$ref":"#/$defs/c0"}}`, n)
}

// TestBudget: what costs too much is given up, within bounds of time and memory.
func TestBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("goes through many inputs, one after the other: it runs without -short")
	}
	for _, tc := range dear {
		t.Run(tc.name, func(t *testing.T) {
			s := compile(t, tc.schema)
			if len(tc.schema) > MaxText || len(tc.value) > 1<<20 {
				t.Fatalf("%d bytes of schema, %d of value", len(tc.schema), len(tc.value))
			}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			b, began := NewBudget(t.Context()), time.Now()
			faults, err := s.Validate(b, []byte(tc.value), 100)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			allocated, stack := (after.TotalAlloc-before.TotalAlloc)>>20, after.StackInuse>>20
			t.Logf("%v, %d MB allocated, stack %d MB: %d faults, %v", took, allocated, stack, len(faults), err)
			if !errors.Is(err, ErrSteps) && !errors.Is(err, ErrTime) && !errors.Is(err, ErrDepth) && len(faults) != 1 {
				t.Errorf("got %d faults, %v: want it given up, or refused at once", len(faults), err)
			}
			if allocated > 256 || stack > 64 {
				t.Errorf("%d MB allocated, %d MB of stack", allocated, stack)
			}
		})
	}
}

// TestCompileTime: the dearest schemas that are let through.
func TestCompileTime(t *testing.T) {
	for name, text := range map[string]string{
		"Unknown": `{"x":{` + strings.TrimSuffix(list(300, `"k%d":{}`), ",") + `},"allOf":[` +
			strings.TrimSuffix(list(300, `{"$ref":"#/x/k%d"}`), ",") + `]}`,
		"Deep": strings.Repeat(`{"not":`, 31) + "{}" + strings.Repeat("}", 31),
		"Wide": `{"allOf":[` + strings.TrimSuffix(list(990, `{"minimum":%d}`), ",") + `]}`,
		"IDs": `{"$defs":{` + strings.TrimSuffix(list(19, `"d%[1]d":{"$id":"a%[1]d","$defs":{"x":{},"y":{"$ref":"a0#/$defs/x"}}}`), ",") +
			`}}`,
		"Anchors": `{"allOf":[` + strings.TrimSuffix(list(450, `{"$dynamicAnchor":"a%[1]d","$dynamicRef":"#a0"}`), ",") + `]}`,
	} {
		began := time.Now()
		_, err := Compile([]byte(text))
		t.Logf("%s: %v, %v", name, time.Since(began), err)
	}
}

// TestMixed: a budget is for all checks of a request together, and ends with it.
func TestMixed(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"items":{"type":"number"}}`)
	value := []byte("[" + strings.Repeat("1,", 10_000) + "1]")
	b := NewBudget(t.Context())
	n := 0
	for ; n < 1000; n++ {
		if _, err := s.Validate(b, value, 1); err != nil {
			if !errors.Is(err, ErrSteps) && !errors.Is(err, ErrTime) {
				t.Errorf("got %v", err)
			}
			break
		}
	}
	if n > 100 {
		t.Errorf("%d checks of 10,000 members in one budget", n)
	}
	// Each of a thousand events that do not fit has its faults.
	b = NewBudget(t.Context())
	for i := range 1000 {
		if faults, err := s.Validate(b, []byte(`[1,"a"]`), 1); err != nil || len(faults) != 1 || faults[0].Pointer != "/1" {
			t.Fatalf("event %d: got %v, %v", i, faults, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := compile(t, dear[0].schema).Validate(NewBudget(ctx), []byte("1"), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that has ended: got %v", err)
	}
	// The schema is as good as new.
	if faults, err := s.Validate(NewBudget(t.Context()), []byte(`["a"]`), 1); err != nil || len(faults) != 1 {
		t.Errorf("afterwards: got %v, %v", faults, err)
	}
}

// FuzzSchema: whatever schema and value, it neither panics nor runs on.
func FuzzSchema(f *testing.F) {
	for _, d := range dear {
		if len(d.value) < 10_000 {
			f.Add(d.schema, d.value)
		}
	}
	f.Add(`{"$schema":"http://json-schema.org/draft-04/schema#","id":"a","exclusiveMinimum":true,"minimum":1}`, `2`)
	f.Add(`{"$id":"a","$anchor":"b","$ref":"#b"}`, `{}`)
	f.Add(`{"$recursiveAnchor":true,"$schema":"https://json-schema.org/draft/2019-09/schema","items":{"$recursiveRef":"#"}}`, `[[]]`)
	debug.SetMaxStack(64 << 20)
	f.Fuzz(func(t *testing.T, schema, value string) {
		s, err := Compile([]byte(schema))
		if err != nil || !json.Valid([]byte(value)) {
			return
		}
		_, _ = s.Validate(NewBudget(t.Context()), []byte(value), 10)
	})
}
