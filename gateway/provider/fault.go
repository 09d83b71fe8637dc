package provider

import (
	"regexp"
	"strconv"
	"strings"

	"axion/gateway/config"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

var (
	lineNumber  = regexp.MustCompile(`line (\d+)`)
	servicePath = regexp.MustCompile(`services[.[]([A-Za-z0-9_-]+)]?(?:\.([a-z_]+))?`)
)

// lineIn is the line number that a message mentions, or 0.
func lineIn(message string) int {
	m := lineNumber.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// plain takes out of a YAML error what the problem says already.
func plain(message string) string {
	message = strings.TrimPrefix(message, "yaml: ")
	if _, rest, ok := strings.Cut(message, ": "); ok && strings.HasPrefix(message, "line ") {
		message = rest
	}
	return strings.ReplaceAll(message, "\n", " ")
}

// problem puts an error of the compose loader where it belongs.
func (o *outline) problem(f *file, err error, look lookup) *config.Problem {
	message := strings.Join(strings.Fields(err.Error()), " ")
	message = strings.TrimPrefix(message, "failed to parse "+f.name+": ")
	message = strings.TrimPrefix(message, "decoding failed due to the following error(s): ")
	p := &config.Problem{Severity: config.Error, File: f.name, Line: lineIn(message), Message: message}
	if m := servicePath.FindStringSubmatch(message); m != nil {
		p.Service = m[1]
		if n := o.service(m[1]); n != nil && p.Line == 0 {
			p.Line = n.Line
			if part := child(n, m[2]); part != nil {
				p.Line = part.Line
			}
		}
		return p
	}
	if service, line := o.badPort(look); line > 0 {
		p.Service, p.Line = service, line
	}
	return p
}

// service is the node of a service, or nil.
func (o *outline) service(name string) *yaml.Node {
	for _, root := range o.roots {
		if n := child(child(root, "services"), name); n != nil {
			return n
		}
	}
	return nil
}

// badPort finds the first entry of a ports list that compose cannot read: its
// loader does not say where that was.
func (o *outline) badPort(look lookup) (service string, line int) {
	for _, root := range o.roots {
		each(child(root, "services"), func(name, n *yaml.Node) {
			each(child(n, "ports"), func(entry, _ *yaml.Node) {
				if line > 0 || entry.Kind != yaml.ScalarNode {
					return
				}
				text, err := substitute(entry.Value, look)
				if err == nil {
					_, err = types.ParsePortConfig(text)
				}
				if err != nil {
					service, line = name.Value, entry.Line
				}
			})
		})
	}
	return service, line
}
