package provider

import (
	"bytes"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/template"
)

// lookup resolves a variable of a compose file.
type lookup func(string) (string, bool)

// with puts the variables of a .env file below the others.
func (l lookup) with(env []byte) (lookup, error) {
	if len(bytes.TrimSpace(env)) == 0 {
		return l, nil
	}
	vars, err := dotenv.ParseWithLookup(bytes.NewReader(env), dotenv.LookupFn(l))
	if err != nil {
		return nil, err
	}
	return l.above(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }), nil
}

// above looks in l first and then below.
func (l lookup) above(below lookup) lookup {
	return func(name string) (string, bool) {
		if v, ok := l(name); ok {
			return v, true
		}
		return below(name)
	}
}

// substitute resolves ${VAR} and $$. An unset variable is empty, as in compose.
func substitute(s string, look lookup) (string, error) {
	if strings.IndexByte(s, '$') < 0 {
		return s, nil
	}
	return template.SubstituteWithOptions(s, template.Mapping(look), template.WithoutLogging)
}
