package compose

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"axion/gateway/config"

	"github.com/compose-spec/compose-go/v2/interpolation"
	compose "github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// projectFile is a file of a project.
type projectFile struct {
	path string
	data []byte
	out  *parsedFile
}

// load reads some services of a project with compose's own loader, without the
// checks that do not matter to labels: a file may be a fragment, without images.
func load(files []projectFile, dir, name string, look Lookup, services []string) (project *types.Project, err error) {
	// Without its schema the loader takes some shapes for granted.
	defer func() {
		if r := recover(); r != nil {
			project, err = nil, fmt.Errorf("this is not a compose file: %v", r)
		}
	}()
	details := types.ConfigDetails{WorkingDir: dir, Environment: types.Mapping{}}
	for _, f := range files {
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: f.path, Content: f.only(services)})
	}
	return compose.LoadWithContext(context.Background(), details, func(o *compose.Options) {
		o.SkipValidation = true // the schema alone costs more than all the rest
		o.SkipNormalization = true
		o.SkipConsistencyCheck = true
		o.SkipResolveEnvironment = true
		o.Profiles = []string{"*"} // they are looked at later
		o.Interpolate.LookupValue = interpolation.LookupValue(look)
		o.Interpolate.Substitute = func(s string, m template.Mapping) (string, error) {
			return substitute(s, look.above(Lookup(m))) // m has the variables of an included file
		}
		o.SetProjectName(name, true)
	})
}

// smallProject is how many services are not worth taking apart.
const smallProject = 20

// only is the file without services that are neither asked for nor extended by
// those, if that can be written; else it is all of it.
func (c projectFile) only(services []string) []byte {
	var kept yamlWriter
	for _, root := range c.out.roots {
		at := slices.IndexFunc(root.Content, func(n *yaml.Node) bool { return n.Value == "services" })
		if at < 0 || at%2 != 0 || len(root.Content[at+1].Content) < 2*smallProject {
			return c.data
		}
		all := root.Content[at+1]
		wanted := closure(all, services)
		part, list := *root, *all
		part.Content, list.Content = slices.Clone(root.Content), nil
		for i := 0; i+1 < len(all.Content); i += 2 {
			if isMerge(all.Content[i]) || wanted[all.Content[i].Value] {
				list.Content = append(list.Content, all.Content[i], all.Content[i+1])
			}
		}
		part.Content[at+1] = &list
		kept.add(&part)
	}
	if kept.failed {
		return c.data
	}
	return kept.data
}

// yamlWriter writes YAML documents that can be read again.
type yamlWriter struct {
	data   []byte
	failed bool // an anchor is missing that is used
}

func (b *yamlWriter) add(n *yaml.Node) {
	text, err := yaml.Marshal(n)
	var again yaml.Node
	if err != nil || yaml.Unmarshal(text, &again) != nil {
		b.failed = true
		return
	}
	b.data = append(append(b.data, "---\n"...), text...)
}

// closure are services with those of the same file that they extend.
func closure(all *yaml.Node, services []string) map[string]bool {
	wanted, queue := map[string]bool{}, slices.Clone(services)
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if wanted[name] {
			continue
		}
		wanted[name] = true
		extends := child(child(all, name), "extends")
		if extends == nil {
			continue
		}
		if extends.Kind == yaml.MappingNode {
			extends = child(extends, "service")
		}
		if extends != nil {
			queue = append(queue, extends.Value)
		}
	}
	return wanted
}

// projectName is what compose calls a project.
func projectName(files []projectFile, dir string, look Lookup) string {
	if name, ok := look("COMPOSE_PROJECT_NAME"); ok && name != "" {
		return compose.NormalizeProjectName(name)
	}
	name := filepath.Base(dir)
	for _, f := range files {
		for _, root := range f.out.roots {
			if given := strings.Join(texts(child(root, "name"), look), ""); given != "" {
				name = given
			}
		}
	}
	return compose.NormalizeProjectName(name)
}

var servicePath = regexp.MustCompile(`services[.[]([A-Za-z0-9_-]+)]?(?:\.([a-z_]+))?`)

// located puts an error of compose's loader where it belongs.
func located(err error, files []projectFile, show func(string) string, all definitions) *config.Problem {
	message := strings.Join(strings.Fields(err.Error()), " ")
	for _, f := range files {
		message = strings.ReplaceAll(message, f.path, show(f.path))
	}
	p := &config.Problem{Severity: config.Error, File: show(files[0].path), Line: lineIn(message), Message: config.InWords(message)}
	m := servicePath.FindStringSubmatch(message)
	if m == nil || len(all[m[1]]) == 0 {
		return p
	}
	if m[2] != "" && !strings.Contains(p.Message, m[2]) {
		p.Message = m[2] + ": " + p.Message
	}
	p.Service = m[1]
	for _, part := range slices.Backward(all[p.Service]) {
		n := part.node
		if field := child(n, m[2]); field != nil {
			n = field
		} else if m[2] != "" {
			continue
		}
		p.File, p.Line = part.file, n.Line
		return p
	}
	last := all[p.Service][len(all[p.Service])-1]
	p.File, p.Line = last.file, last.node.Line
	return p
}
