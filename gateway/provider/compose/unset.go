package compose

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"axion/gateway/config"

	"github.com/compose-spec/compose-go/v2/template"
	"go.yaml.in/yaml/v4"
)

// reference is what compose takes for one of its variables, and $$ that stands for $.
var reference = regexp.MustCompile(`\$(?:\$|[A-Za-z_]\w*|\{[A-Za-z_]\w*(?:\}|[:?+-]))`)

// readKeys are those of a service that decide on its routes, and traefikKeys those
// that set a Traefik up.
var (
	readKeys    = []string{"labels", "ports", "expose", "profiles", "label_file", "extends"}
	traefikKeys = append([]string{"command", "environment", "env_file", "volumes"}, readKeys...)
)

// warnUnset warns of variables without a value in what is read of a service.
func (b *builder) warnUnset(p *Project, name string, parts []definition) {
	keys := readKeys
	if runsTraefik(parts) {
		keys = traefikKeys
	}
	for _, at := range parts {
		for _, key := range keys {
			scalars(child(at.node, key), 0, func(n *yaml.Node) {
				for _, variable := range unset(n.Value, at.look) {
					label, _, isLabel := strings.Cut(n.Value, "=")
					if key != "labels" || !isLabel || strings.Contains(label, "$") || n.Kind != yaml.ScalarNode {
						label = ""
					}
					p.Problems = append(p.Problems, config.Problem{Severity: config.Warning, File: at.file, Line: n.Line, Service: name, Label: label,
						Message: fmt.Sprintf("the variable %s is not set, and counts as empty", variable),
						Fix: fmt.Sprintf("set it in the environment or in a file .env beside the compose file, or give it a default: ${%s:-value}",
							variable)})
				}
			})
		}
	}
}

// scalars calls f with the texts below a node: keys and values.
func scalars(n *yaml.Node, depth int, f func(*yaml.Node)) {
	if n == nil || depth > maxDeep {
		return
	}
	if n.Kind == yaml.ScalarNode {
		if strings.Contains(n.Value, "$") {
			f(n)
		}
		return
	}
	each(n, func(key, value *yaml.Node) {
		scalars(key, depth+1, f)
		scalars(value, depth+1, f)
	})
}

// unset are the variables in a text that have neither a value nor a default, in its
// order.
func unset(text string, look Lookup) []string {
	var names []string
	for _, ref := range reference.FindAllString(text, -1) {
		name := strings.Trim(ref, "${}")
		if ref == "$$" || strings.HasPrefix(ref, "${") && !strings.HasSuffix(ref, "}") {
			continue // it has a default, or compose refuses the file
		}
		if _, ok := look(name); !ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// notInterpolated explains why the variables of a text cannot be put in.
func notInterpolated(text string, err error) (message, hint string) {
	if e, ok := errors.AsType[*template.MissingRequiredError](err); ok {
		message = fmt.Sprintf("the variable %s is required and not set", e.Variable)
		if e.Reason != "" {
			message += ": " + e.Reason
		}
		return message, "set it in the environment or in a file .env beside the compose file"
	}
	if _, ok := errors.AsType[*template.InvalidTemplateError](err); !ok {
		return config.InWords(err.Error()), ""
	}
	rest := text
	for {
		at := strings.IndexByte(rest, '$')
		if at < 0 {
			return "its variables cannot be read", "write $$ for each $ that is to stay"
		}
		rest = rest[at:]
		m := reference.FindStringIndex(rest)
		if m != nil && m[0] == 0 {
			rest = rest[m[1]:]
			continue
		}
		end := len(rest)
		if i := strings.IndexByte(rest, '}'); strings.HasPrefix(rest, "${") && i > 0 {
			end = i + 1
		} else if i := strings.IndexFunc(rest[1:], func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
			end = 1 + i
		}
		if end == 1 && len(rest) > 1 {
			end = 1 + len(string([]rune(rest[1:])[:1]))
		}
		return fmt.Sprintf("%s is not a variable of compose", rest[:end]), fmt.Sprintf("write $$ for each $ that is to stay: $%s", rest[:end])
	}
}
