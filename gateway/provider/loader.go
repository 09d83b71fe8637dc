package provider

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"axion/gateway/config"
	"axion/gateway/label"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/interpolation"
	compose "github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
)

// lookup resolves a variable of a compose file.
type lookup func(string) (string, bool)

// loader turns compose documents into configurations.
type loader struct {
	lookup        lookup
	addresses     map[string][]string
	requireEnable bool
}

func newLoader(opts Options) *loader {
	l := &loader{lookup: opts.EnvLookup, addresses: opts.Addresses, requireEnable: opts.RequireEnable}
	if l.lookup == nil {
		l.lookup = os.LookupEnv
	}
	return l
}

// document is one parsed version of a file.
type document struct {
	layer    int
	services map[string]*label.Set // by compose service
}

// load parses one version of f. The error is a problem with file and line.
func (l *loader) load(f *file, data, env []byte) (*document, *config.Problem) {
	look, err := l.withEnv(env)
	if err != nil {
		return nil, &config.Problem{Severity: config.Error, File: filepath.Join(filepath.Dir(f.name), ".env"), Line: lineIn(err.Error()),
			Message: "the variables cannot be read: " + err.Error()}
	}
	out, problem := parseOutline(f.name, data)
	if problem != nil {
		return nil, problem
	}
	project, err := l.project(f, data, look)
	if err != nil {
		return nil, out.problem(f, err, look)
	}
	lines := out.lines(look)
	requireEnable := l.requireEnable || hidesByDefault(project)
	doc := &document{layer: f.layer, services: map[string]*label.Set{}}
	for name, s := range project.Services {
		doc.services[name] = label.Decode(label.Service{
			Name: name, Project: project.Name, File: f.name, Layer: f.layer,
			Labels: s.Labels, Lines: lines[name],
			Ports: ports(s.Ports), Exposed: exposed(s.Expose),
			Addresses: l.addresses[name], RequireEnable: requireEnable,
		})
	}
	return doc, nil
}

// hidesByDefault reports whether the file starts Traefik itself, and tells it to
// serve only what has traefik.enable=true.
func hidesByDefault(project *types.Project) bool {
	for _, s := range project.Services {
		for _, arg := range s.Command {
			if strings.EqualFold(arg, "--providers.docker.exposedbydefault=false") {
				return true
			}
		}
	}
	return false
}

// withEnv puts the variables of a .env file below those of the process.
func (l *loader) withEnv(env []byte) (lookup, error) {
	if len(env) == 0 {
		return l.lookup, nil
	}
	vars, err := dotenv.ParseWithLookup(bytes.NewReader(env), dotenv.LookupFn(l.lookup))
	if err != nil {
		return nil, err
	}
	return func(name string) (string, bool) {
		if v, ok := l.lookup(name); ok {
			return v, true
		}
		v, ok := vars[name]
		return v, ok
	}, nil
}

// project loads the document with compose's own loader, without the checks that
// do not matter to labels: the file may be a fragment, without images.
func (l *loader) project(f *file, data []byte, look lookup) (project *types.Project, err error) {
	// Without its schema the loader takes some shapes for granted.
	defer func() {
		if r := recover(); r != nil {
			project, err = nil, fmt.Errorf("this is not a compose file: %v", r)
		}
	}()
	details := types.ConfigDetails{
		WorkingDir:  f.workDir,
		ConfigFiles: []types.ConfigFile{{Filename: f.name, Content: data}},
		Environment: types.Mapping{},
	}
	return compose.LoadWithContext(context.Background(), details, func(o *compose.Options) {
		o.SkipValidation = true // the schema alone costs more than all the rest
		o.SkipNormalization = true
		o.SkipConsistencyCheck = true
		o.SkipResolveEnvironment = true
		o.Interpolate.LookupValue = interpolation.LookupValue(look)
		o.Interpolate.Substitute = func(s string, m template.Mapping) (string, error) { return substitute(s, lookup(m)) }
		if name, ok := look("COMPOSE_PROJECT_NAME"); ok && name != "" {
			o.SetProjectName(name, true)
		} else {
			o.SetProjectName(compose.NormalizeProjectName(filepath.Base(f.workDir)), false)
		}
	})
}

// substitute resolves ${VAR} and $$. An unset variable is empty, as in compose.
func substitute(s string, look lookup) (string, error) {
	return template.SubstituteWithOptions(s, template.Mapping(look), template.WithoutLogging)
}

// ports keeps the TCP ports.
func ports(list []types.ServicePortConfig) []label.Port {
	var out []label.Port
	for _, p := range list {
		if p.Protocol != "" && p.Protocol != "tcp" {
			continue
		}
		published, _ := strconv.Atoi(p.Published) // a range or none is the engine's choice: 0
		out = append(out, label.Port{HostIP: p.HostIP, Published: published, Target: int(p.Target)})
	}
	return out
}

// exposed reads entries such as "3000", "3000/tcp" and "3000-3005".
func exposed(list []string) []int {
	var out []int
	for _, e := range list {
		number, protocol, _ := strings.Cut(e, "/")
		number, _, _ = strings.Cut(number, "-")
		if n, err := strconv.Atoi(number); err == nil && n > 0 && (protocol == "" || protocol == "tcp") {
			out = append(out, n)
		}
	}
	return out
}
