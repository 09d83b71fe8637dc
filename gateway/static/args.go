package static

import (
	"fmt"
	"maps"
	"reflect"
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
	args := r.files.Args
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

// tooLong reports a flag or variable that is left out.
func (r *reader) tooLong(name string, line int) {
	r.problem(config.Error, line, fmt.Sprintf("%.40s… is ignored: it is longer than %d bytes", name, maxSetting),
		"write it into the static configuration file")
}

// unrelated are variables that are no settings, and not meant to be: images of Traefik
// are built, and compose files name them, by these.
var unrelated = []string{"TRAEFIK_IMAGE", "TRAEFIK_TAG", "TRAEFIK_VERSION"}

// environment are the TRAEFIK_ variables of Traefik's settings, in order. It reports
// those that Traefik ignores: it reads a variable that begins with the name of a
// section, in capitals, and does not start with one that it does not know then.
func (r *reader) environment() []setting {
	var out []setting
	sections := append(sectionNames(), refused)
	for _, name := range slices.Sorted(maps.Keys(r.files.Env)) {
		rest, ok := strings.CutPrefix(strings.ToUpper(name), env.DefaultNamePrefix)
		if !ok || rest == "" || slices.Contains(unrelated, name) {
			continue
		}
		if len(rest)+len(r.files.Env[name]) > maxSetting {
			r.tooLong(name, r.files.Line)
			continue
		}
		s := setting{path: strings.Split(strings.ToLower(rest), "_"), value: r.files.Env[name], text: name, line: r.files.Line}
		if slices.ContainsFunc(sections, func(section string) bool {
			return strings.HasPrefix(name, env.DefaultNamePrefix+strings.ToUpper(section))
		}) {
			out = append(out, s)
			continue
		}
		r.reportVariable(s)
	}
	return out
}

// refused is a section of old versions that Traefik 3.7 refuses wherever it stands, where
// it ignores others in variables and files.
const refused = "pilot"

// sectionNames are the first names of all settings, in lower case.
func sectionNames() []string {
	var names []string
	for i := range reflect.TypeFor[tree]().NumField() {
		names = append(names, strings.ToLower(reflect.TypeFor[tree]().Field(i).Name))
	}
	for _, l := range undecoded {
		name, _, _ := strings.Cut(l.path, ".")
		names = append(names, name)
	}
	return names
}

// reportVariable reports a variable that Traefik ignores.
func (r *reader) reportVariable(s setting) {
	f := classify(s.path)
	if f.verdict == unknown {
		s.ignored = true
		r.unknown(f, s)
		return
	}
	r.problem(config.Warning, s.line, fmt.Sprintf("%s is ignored: Traefik reads variables whose names are in capitals", s.text),
		"write "+strings.ToUpper(s.text))
}
