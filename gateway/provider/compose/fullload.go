package compose

import (
	"maps"
	"strings"

	"axion/gateway/label"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// referenceSpec is the spec of a service that compose's own loader has read. Where
// the labels stand is in the parts.
func (b *builder) referenceSpec(s types.ServiceConfig, name string) *spec {
	lines := &serviceReader{composer: &composer{open: b.open, show: b.show}, name: name, spec: &spec{}}
	lines.spec.Labels, lines.spec.Lines = map[string]string{}, map[string]int{}
	parts := b.all[name]
	if len(parts) > 0 {
		lines.spec.File = parts[len(parts)-1].file
	}
	_ = lines.labelFiles(parts) // what is unusual or wrong has no line
	for _, part := range parts {
		each(child(part.node, "labels"), func(key, value *yaml.Node) {
			text, err := key.Value, error(nil)
			if value == nil {
				text, err = substitute(key.Value, part.look)
				text, _, _ = strings.Cut(text, "=")
			}
			if err == nil {
				lines.put(part.file, text, "", key.Line)
			}
		})
		lines.swarm(part)
	}
	out := &spec{profiles: s.Profiles, problems: lines.spec.problems}
	out.Service = label.Service{Name: name, File: lines.spec.File, Labels: s.Labels, Lines: lines.spec.Lines, Files: lines.spec.Files}
	r := &serviceReader{spec: out}
	for _, port := range s.Ports {
		r.port(port.HostIP, port.Published, port.Target, port.Protocol)
	}
	for _, e := range s.Expose {
		r.expose(e)
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	maps.DeleteFunc(out.Lines, func(key string, _ int) bool { _, ok := out.Labels[key]; return !ok })
	maps.DeleteFunc(out.Files, func(key string, _ string) bool { _, ok := out.Labels[key]; return !ok })
	return out
}
