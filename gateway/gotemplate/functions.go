package gotemplate

import (
	"fmt"
	"maps"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// maxItems bounds the lists, and what is random, that one function makes.
const maxItems = 10_000

// Functions are Sprig's, but for those that reach out of the template or take
// seconds, and text/template's that make text. Those that a number says how much
// to make are bounded.
func Functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName", "genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert",
		"genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey", "derivePassword"} {
		delete(all, name)
	}
	random := func(name string) func(int) (string, error) {
		made := all[name].(func(int) string)
		return func(n int) (string, error) {
			if n < 0 || n > maxItems {
				return "", overBudget("%s takes at most %d", name, maxItems)
			}
			return made(n), nil
		}
	}
	randomBytes := all["randBytes"].(func(int) (string, error))
	maps.Copy(all, template.FuncMap{
		"print": fmt.Sprint, "println": fmt.Sprintln, "printf": fmt.Sprintf,
		"html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper,
		"until":     func(n int) ([]int, error) { return steps(0, n, sign(n)) },
		"untilStep": steps, "seq": seq,
		"repeat": func(n int, s string) (string, error) {
			if n < 0 {
				return "", overBudget("repeat takes no negative number")
			}
			if err := fits(0, n, len(s)); err != nil {
				return "", err
			}
			return strings.Repeat(s, n), nil
		},
		"randAlpha": random("randAlpha"), "randAlphaNum": random("randAlphaNum"),
		"randAscii": random("randAscii"), "randNumeric": random("randNumeric"),
		"randBytes": func(n int) (string, error) {
			if n < 0 || n > maxItems {
				return "", overBudget("randBytes takes at most %d", maxItems)
			}
			return randomBytes(n)
		},
		"indent":  indent,
		"nindent": func(n int, s string) (string, error) { s, err := indent(n, s); return "\n" + s, err },
	})
	return all
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
	if step == 0 || start == stop || (stop < start) != (step < 0) {
		return list, nil
	}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(list) == maxItems {
			return nil, overBudget("a list has at most %d items", maxItems)
		}
		if list = append(list, i); (i+step > i) != (step > 0) { // beyond what a number can be
			break
		}
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

// indent puts n spaces before each line.
func indent(n int, s string) (string, error) {
	lines := 1 + strings.Count(s, "\n")
	if n < 0 {
		return "", overBudget("indent takes no negative number")
	}
	if err := fits(len(s), lines, n); err != nil {
		return "", err
	}
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad), nil
}
