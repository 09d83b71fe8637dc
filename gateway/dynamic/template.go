package dynamic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/template"
	"time"
	"unicode"

	"axion/gateway/config"
	"axion/gateway/dynamic/document"
	"axion/gateway/gotemplate"
)

// limits are those of a file that is a template.
var limits = gotemplate.Limits{Output: document.MaxBytes, Steps: 1_000_000, Time: 5 * time.Second}

// expand runs a file as a template, as Traefik does with all of them, until ctx
// ends.
func expand(ctx context.Context, name string, data []byte, env func(string) (string, bool)) ([]byte, *locator, *config.Problem) {
	if len(data) > document.MaxBytes || !bytes.Contains(data, []byte("{{")) {
		return data, nil, nil
	}
	t, err := gotemplate.Parse(string(data), functions(env))
	if err == nil {
		var out []byte
		if out, err = t.Execute(ctx, false, limits); err == nil {
			return out, newPlaces(data, out), nil
		}
	}
	p := &config.Problem{Severity: config.Error, File: name, Message: "the template cannot be run: " + err.Error()}
	if e, ok := errors.AsType[*gotemplate.Error](err); ok {
		p.Line = e.Line
	}
	var remedy interface{ Hint() string }
	if errors.As(err, &remedy) {
		p.Fix = remedy.Hint()
	}
	return nil, nil, p
}

// functions are Traefik's own, beside those of gotemplate.
func functions(env func(string) (string, bool)) template.FuncMap {
	get := func(name string) string {
		if env == nil {
			return ""
		}
		v, _ := env(name)
		return v
	}
	return template.FuncMap{
		"env":       get,
		"expandenv": func(s string) (string, error) { return expandVariables(s, get) },
		"split":     func(s, separator string) []string { return strings.Split(s, separator) },
		"normalize": func(s string) string {
			return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }), "-")
		},
	}
}

// maxText bounds what expandenv makes, in bytes.
const maxText = 1 << 20

func expandVariables(s string, get func(string) string) (string, error) {
	left := maxText - len(s)
	out := os.Expand(s, func(name string) string {
		v := get(name)
		if left -= len(v); left < 0 {
			return ""
		}
		return v
	})
	if left < 0 {
		return "", fmt.Errorf("it makes more than %d bytes", maxText)
	}
	return out, nil
}
