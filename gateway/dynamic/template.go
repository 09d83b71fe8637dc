package dynamic

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"unicode"

	"axion/gateway/config"
	"axion/gateway/dynamic/document"

	"github.com/Masterminds/sprig/v3"
)

// maxItems bounds the lists, and maxText the bytes, that one function may make.
const (
	maxItems = 10_000
	maxText  = 1 << 20
)

var errTooLong = errors.New("its output is too long")

// functionLine is where a template's error says it is.
var functionLine = regexp.MustCompile(`^template: file:(\d+)(?::\d+)?: `)

// expand runs a file as a template, as Traefik does with all of them.
func expand(name string, data []byte, env func(string) (string, bool)) ([]byte, *places, *config.Problem) {
	if len(data) > document.MaxBytes || !bytes.Contains(data, []byte("{{")) {
		return data, nil, nil
	}
	t, err := template.New("file").Funcs(functions(env)).Parse(string(data))
	out := &bounded{}
	if err == nil {
		err = t.Execute(out, false)
	}
	if err == nil {
		return out.Bytes(), newPlaces(data, out.Bytes()), nil
	}
	p := &config.Problem{Severity: config.Error, File: name, Message: "the template cannot be run: " + functionLine.ReplaceAllString(err.Error(), "")}
	if m := functionLine.FindStringSubmatch(err.Error()); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
	}
	return nil, nil, p
}

// bounded is a buffer as long as a file may be.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > document.MaxBytes {
		return 0, errTooLong
	}
	return b.Buffer.Write(p)
}

// functions are sprig's, but for those that reach out of the file, and Traefik's
// own; those that could exhaust the memory are bounded.
func functions(env func(string) (string, bool)) template.FuncMap {
	get := func(name string) string {
		if env == nil {
			return ""
		}
		v, _ := env(name)
		return v
	}
	all := sprig.TxtFuncMap()
	delete(all, "getHostByName")
	maps.Copy(all, template.FuncMap{
		"env":       get,
		"expandenv": func(s string) string { return os.Expand(s, get) },
		"split":     func(s, separator string) []string { return strings.Split(s, separator) },
		"normalize": func(s string) string {
			return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }), "-")
		},
	})
	maps.Copy(all, boundedFunctions())
	return all
}

// boundedFunctions take the place of sprig's where a number decides how much
// they make.
func boundedFunctions() template.FuncMap {
	random := func(name string) func(int) (string, error) {
		made := sprig.TxtFuncMap()[name].(func(int) string)
		return func(n int) (string, error) {
			if n < 0 || n > maxItems {
				return "", fmt.Errorf("%s takes at most %d", name, maxItems)
			}
			return made(n), nil
		}
	}
	return template.FuncMap{
		"until":     func(n int) ([]int, error) { return steps(0, n, sign(n)) },
		"untilStep": steps, "seq": seq,
		"repeat": func(n int, s string) (string, error) {
			if n < 0 || n > maxText || n*len(s) > maxText {
				return "", errTooLong
			}
			return strings.Repeat(s, n), nil
		},
		"randAlpha": random("randAlpha"), "randAlphaNum": random("randAlphaNum"),
		"randAscii": random("randAscii"), "randNumeric": random("randNumeric"),
		"randBytes": func(n int) (string, error) {
			if n < 0 || n > maxItems {
				return "", fmt.Errorf("randBytes takes at most %d", maxItems)
			}
			return sprig.TxtFuncMap()["randBytes"].(func(int) (string, error))(n)
		},
		"indent":  func(n int, s string) (string, error) { return indent(n, s) },
		"nindent": func(n int, s string) (string, error) { s, err := indent(n, s); return "\n" + s, err },
	}
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

// steps counts from start to before stop.
func steps(start, stop, step int) ([]int, error) {
	list := []int{}
	if step == 0 || (stop-start)*sign(step) < 0 {
		return list, nil
	}
	for i := start; (stop-i)*sign(step) > 0; i += step {
		if len(list) == maxItems {
			return nil, fmt.Errorf("a list has at most %d items", maxItems)
		}
		list = append(list, i)
	}
	return list, nil
}

// seq counts as the shell's does: last, first and last, or first, step and last,
// both of them included.
func seq(n ...int) (string, error) {
	first, step, last := 1, 0, 0
	switch len(n) {
	case 1:
		last = n[0]
	case 2:
		first, last = n[0], n[1]
	case 3:
		first, step, last = n[0], n[1], n[2]
	default:
		return "", nil
	}
	if step == 0 {
		step = sign(last - first)
	}
	list, err := steps(first, last+sign(step), step)
	return strings.Trim(fmt.Sprint(list), "[]"), err
}

func indent(n int, s string) (string, error) {
	if n < 0 || n > maxText || n*(1+strings.Count(s, "\n"))+len(s) > maxText {
		return "", errTooLong
	}
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad), nil
}
