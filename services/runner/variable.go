package runner

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"axion/services/compose"
)

// Variable is one variable of a service's environment.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// From is the value of the file, where names in it were made addresses; Service is the
	// one that is meant.
	From    string `json:"from,omitempty"`
	Service string `json:"service,omitempty"`
	Source  string `json:"source" enum:"file,axion,with"`
	Secret  bool   `json:"secret"`
}

// Environment is what the first instance of a service gets beside axion's own environment,
// by name.
func (r *Runner) Environment(service string) ([]Variable, error) {
	u := r.unit(service)
	if u == nil {
		return nil, r.unknown(service)
	}
	values, rewrites, _ := u.variables(0)
	file := u.values()
	all := make([]Variable, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := Variable{Name: name, Value: values[name], Source: "axion", Secret: isSecret(name, values[name])}
		if _, ok := file[name]; ok {
			v.Source = "file"
		}
		if i := slices.IndexFunc(rewrites, func(w compose.Rewrite) bool { return w.Variable == name }); i >= 0 {
			v.From, v.Service = rewrites[i].From, rewrites[i].Service
		}
		all = append(all, v)
	}
	return all, nil
}

// secretValue matches a URL that has a password, and a list of words that has one.
var secretValue = regexp.MustCompile(`(?i)://[^/\s:@]*:[^/\s@]+@|\b(password|pwd)=[^;\s]`)

// password is that of a URL.
var password = regexp.MustCompile(`(://[^/\s:@]*:)[^/\s@]+@`)

// masked is a variable's value without what is secret in it.
func masked(name, value string) string {
	value = password.ReplaceAllString(value, "${1}••••@")
	if isSecret(name, password.ReplaceAllString(value, "//")) {
		return "••••"
	}
	return value
}

// isSecret says whether a variable's value is not to be shown unasked.
func isSecret(name, value string) bool {
	name = strings.ToUpper(name)
	if slices.ContainsFunc([]string{"PASSWORD", "PASSWD", "SECRET", "TOKEN", "CREDENTIAL", "PASSPHRASE", "APIKEY"}, func(part string) bool {
		return strings.Contains(name, part)
	}) {
		return true
	}
	words := strings.FieldsFunc(name, func(c rune) bool { return c == '_' || c == '-' || c == '.' })
	return slices.ContainsFunc(words, func(word string) bool {
		return slices.Contains([]string{"KEY", "PASS", "PWD", "PRIVATEKEY", "ACCESSKEY"}, word)
	}) || secretValue.MatchString(value)
}
