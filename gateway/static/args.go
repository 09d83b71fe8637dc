package static

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"axion/gateway/config"

	"github.com/traefik/paerser/env"
)

// maxSetting bounds the bytes of a flag or variable.
const maxSetting = 64 << 10

// configFile is the flag that names the static file.
const configFile = "configfile"

// flags splits the command into settings, as Traefik does: --k=v, --k v, and --k
// for what can be switched on.
func (r *reader) flags() []setting {
	args := r.Args
	if len(args) > 0 && !strings.HasPrefix(args[0].Text, "-") {
		args = args[1:] // the program's name
	}
	var out []setting
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name := strings.TrimPrefix(strings.TrimPrefix(arg.Text, "-"), "-")
		if name == "" || name == arg.Text {
			break // Traefik's flags end here
		}
		if len(name) > maxSetting {
			r.tooLong("the flag --"+name, arg.Line)
			continue
		}
		name, value, ok := strings.Cut(name, "=")
		s := setting{text: "--" + name, path: strings.Split(name, "."), value: value, line: arg.Line}
		switch f := classify(s.path); {
		case ok:
		case f.isSwitch(), len(args) == 0, f.verdict != known && strings.HasPrefix(args[0].Text, "-"):
			s.value = "true"
		default:
			s.value = args[0].Text
			args = args[1:]
		}
		out = append(out, s)
	}
	return out
}

// tooLong tells of a flag or variable that is left out.
func (r *reader) tooLong(name string, line int) {
	r.problem(config.Error, line, fmt.Sprintf("%.40s… is ignored: it is longer than %d bytes", name, maxSetting),
		"write it into the static configuration file")
}

// environment are the TRAEFIK_ variables of Traefik's settings, in order.
func (r *reader) environment() []setting {
	var out []setting
	for _, name := range slices.Sorted(maps.Keys(r.Env)) {
		rest, ok := strings.CutPrefix(strings.ToUpper(name), env.DefaultNamePrefix)
		if !ok {
			continue
		}
		if len(rest)+len(r.Env[name]) > maxSetting {
			r.tooLong(name, r.Line)
			continue
		}
		path := strings.Split(strings.ToLower(rest), "_")
		if v := classify(path).verdict; v == section || v == unknown && nearest(path) == "" {
			continue // somebody's own, such as TRAEFIK_VERSION
		}
		out = append(out, setting{path: path, value: r.Env[name], text: name, line: r.Line})
	}
	return out
}
