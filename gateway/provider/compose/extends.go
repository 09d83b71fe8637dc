package compose

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// extendsResolver resolves the extends of one file's services.
type extendsResolver struct {
	*composer
	own    definitions // with what is included
	file   string
	dir    string
	look   Lookup
	done   definitions
	others map[string]*extendsResolver // by path
}

// extended are the parts of a service with those that it extends below.
func (e *extendsResolver) extended(name string, depth int) []definition {
	own := e.own[name]
	if len(own) == 0 || e.problem != nil {
		return own
	}
	if parts, ok := e.done[name]; ok {
		return parts
	}
	last := own[len(own)-1]
	extends := child(last.node, "extends")
	if last.file != e.file || isNull(extends) {
		return own
	}
	at := location{e.file, extends}
	if depth > maxDeep {
		e.fail(at, name, "the service extends itself, or too deeply", "")
		return nil
	}
	ref, file := strings.Join(texts(extends, e.look), ""), ""
	if extends.Kind == yaml.MappingNode {
		ref = strings.Join(texts(child(extends, "service"), e.look), "")
		file = strings.Join(texts(child(extends, "file"), e.look), "")
	}
	base := e
	if file != "" {
		base = e.otherFile(absolute(e.dir, file), at)
	}
	if e.problem != nil {
		return nil
	}
	if _, ok := base.own[ref]; !ok {
		e.fail(at, name, fmt.Sprintf("it extends the service %q, which is not in %s", ref, base.file), "")
		return nil
	}
	parts := slices.Concat(base.extended(ref, depth+1), own)
	if e.parts += len(parts); e.parts > MaxFiles*MaxFiles {
		e.fail(at, name, "the services extend too many others", "")
	}
	if e.done == nil {
		e.done = definitions{}
	}
	e.done[name] = parts
	return parts
}

// otherFile is another file, whose services can be extended.
func (e *extendsResolver) otherFile(path string, at location) *extendsResolver {
	if x := e.others[path]; x != nil {
		return x
	}
	out := e.read(path, at)
	if e.problem != nil {
		return nil
	}
	x := &extendsResolver{composer: e.composer, own: definitions{}, file: e.show(path), dir: filepath.Dir(path), look: e.look}
	for _, root := range out.roots {
		each(child(root, "services"), func(name, node *yaml.Node) {
			x.own[name.Value] = append(x.own[name.Value], definition{file: x.file, dir: x.dir, node: node, look: x.look})
		})
	}
	if e.others == nil {
		e.others = map[string]*extendsResolver{}
	}
	e.others[path] = x
	return x
}
