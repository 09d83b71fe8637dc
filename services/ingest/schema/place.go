package schema

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// maxDigits bounds how a number is written, and its exponent: numbers are compared
// exactly, and 1e1000000 has a million digits.
const maxDigits = 400

// place is where a value is in a document; nil is the whole of it.
type place struct {
	parent *place
	name   string
	level  int
}

func (p *place) in(name string) *place { return &place{p, name, p.depth() + 1} }

func (p *place) depth() int {
	if p == nil {
		return 0
	}
	return p.level
}

// pointer is the place as a JSON Pointer (RFC 6901).
func (p *place) pointer() string {
	if p == nil {
		return ""
	}
	return p.parent.pointer() + "/" + escape(p.name)
}

func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

func (p *place) refuse(format string, args ...any) *Fault {
	return &Fault{Pointer: p.pointer(), Detail: fmt.Sprintf(format, args...)}
}

// checkNumber refuses a number that would be dear to compare.
func checkNumber(v any, at *place) error {
	if n, isNumber := v.(json.Number); isNumber && !plain(n) {
		return at.refuse("a number of more than %d digits, or with an exponent beyond %d, cannot be checked: send it as a string", maxDigits,
			maxDigits)
	}
	return nil
}

func plain(n json.Number) bool {
	if len(n) > maxDigits {
		return false
	}
	at := strings.IndexAny(string(n), "eE")
	if at < 0 {
		return true
	}
	exponent, err := strconv.Atoi(string(n[at+1:]))
	return err == nil && exponent <= maxDigits && exponent >= -maxDigits
}
