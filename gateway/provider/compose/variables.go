package compose

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/template"
)

const (
	// maxText bounds a text with variables, before and after they are resolved, and
	// what those of one .env file add to each other.
	maxText = 1 << 20
	// maxReferences bounds how many variables a text or .env file refers to, and
	// maxDefaults how deep they are one another's defaults, as in ${A:-${B}}.
	maxReferences = 10_000
	maxDefaults   = 20
)

// boundError says that variables would cost more than they may. Unlike other errors
// about them it quotes nothing.
type boundError string

func (e boundError) Error() string { return string(e) }

var errVariables = boundError(fmt.Sprintf("its variables make more than %d MiB", maxText>>20))

// Lookup resolves a variable of a compose file.
type Lookup func(string) (string, bool)

// with puts the variables of a .env file below the others.
func (l Lookup) with(env []byte) (Lookup, error) {
	if len(bytes.TrimSpace(env)) == 0 {
		return l, nil
	}
	vars := map[string]string{}
	if err := parseVariables(env, vars, l, ""); err != nil {
		return nil, err
	}
	return l.above(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }), nil
}

// above looks in l first and then below.
func (l Lookup) above(below Lookup) Lookup {
	return func(name string) (string, bool) {
		if v, ok := l(name); ok {
			return v, true
		}
		return below(name)
	}
}

// bounded hands out no more than maxText bytes, and nothing beyond: then spent
// says.
func (l Lookup) bounded() (look Lookup, spent func() bool) {
	left := maxText
	return func(name string) (string, bool) {
		v, ok := l(name)
		if left -= len(v); left < 0 {
			return "", ok
		}
		return v, ok
	}, func() bool { return left < 0 }
}

// parseVariables reads a file of NAME=value into vars, whose values the lines can
// refer to, below those of look. Each reference costs what it inserts, so that lines
// that double the one before come to an end.
func parseVariables(data []byte, vars map[string]string, look Lookup, format string) error {
	if err := checkReferences(string(data)); err != nil {
		return err
	}
	bounded, spent := look.above(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }).bounded()
	if err := dotenv.ParseWithFormat(bytes.NewReader(data), "", vars, dotenv.LookupFn(bounded), format); err != nil {
		return err
	}
	if spent() {
		return errVariables
	}
	return nil
}

// substitute resolves ${VAR} and $$. An unset variable is empty, as in compose.
func substitute(s string, look Lookup) (string, error) {
	if strings.IndexByte(s, '$') < 0 {
		return s, nil
	}
	if len(s) > maxText {
		return "", errVariables
	}
	if err := checkReferences(s); err != nil {
		return "", err
	}
	bounded, spent := look.bounded()
	out, err := template.SubstituteWithOptions(s, template.Mapping(bounded), template.WithoutLogging)
	if err == nil && spent() {
		err = errVariables
	}
	return out, err
}

// checkReferences refuses texts that take compose's reader too long: it goes over
// what is nested once for each level.
func checkReferences(s string) error {
	count, depth := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\n':
			depth = 0
		case '}':
			depth = max(depth-1, 0)
		case '$':
			if count++; count > maxReferences {
				return boundError(fmt.Sprintf("it refers to more than %d variables", maxReferences))
			}
			if i+1 < len(s) && s[i+1] == '{' {
				if depth++; depth > maxDefaults {
					return boundError(fmt.Sprintf("its variables are nested deeper than %d levels", maxDefaults))
				}
			}
		}
	}
	return nil
}
