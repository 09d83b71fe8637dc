package compose

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"axion/gateway/hint"
	"axion/gateway/static"
	"axion/gateway/within"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// mount is what is at a place in a container.
type mount struct {
	target   string
	source   string // on this machine; empty where the engine keeps it
	object   string // the name of a config or secret, by the section that defines it
	section  string
	what     string // as its file calls it
	readOnly bool
}

// at is where a path of the container's below the mount is on this machine.
func (m *mount) at(inside string) string {
	return filepath.Join(m.source, filepath.FromSlash(strings.TrimPrefix(inside, m.target)))
}

// mounted is the mount that holds a clean path of a container, or nil.
func mounted(project *types.Project, s types.ServiceConfig, inside string) *mount {
	var best *mount
	try := func(m mount) {
		m.target = path.Clean("/" + m.target)
		below := inside == m.target || strings.HasPrefix(inside, strings.TrimSuffix(m.target, "/")+"/")
		if below && (best == nil || len(m.target) > len(best.target)) {
			best = &m
		}
	}
	for _, v := range s.Volumes {
		m := mount{target: v.Target, what: "the volume " + v.Source, readOnly: v.ReadOnly}
		switch v.Type {
		case types.VolumeTypeBind:
			m.source = v.Source
		case types.VolumeTypeVolume:
			m.source = project.Volumes[v.Source].DriverOpts["device"]
		default:
			m.what = "the " + v.Type + " mount"
		}
		try(m)
	}
	for _, target := range s.Tmpfs {
		target, _, _ = strings.Cut(target, ":")
		try(mount{target: target, what: "the tmpfs mount"})
	}
	for _, c := range s.Configs {
		try(mount{target: or(c.Target, "/"+c.Source), source: project.Configs[c.Source].File, section: "configs", object: c.Source,
			readOnly: true})
	}
	for _, c := range s.Secrets {
		target := or(c.Target, c.Source)
		if !path.IsAbs(target) {
			target = "/run/secrets/" + target
		}
		try(mount{target: target, source: project.Secrets[c.Source].File, section: "secrets", object: c.Source, readOnly: true})
	}
	return best
}

// outside finds a container's path on this machine, by its bind mounts and the
// files of its configs and secrets.
func outside(project *types.Project, s types.ServiceConfig, inside string) (string, bool) {
	m := mounted(project, s, inside)
	if m == nil || m.source == "" {
		return "", false
	}
	found := m.at(inside)
	return found, filepath.IsAbs(found)
}

// content is the text that a config or secret of the project's own files has, which is
// at a path of the container.
func (b *builder) content(full *types.Project, s types.ServiceConfig, inside string) (static.Content, bool) {
	m := mounted(full, s, inside)
	if m == nil || m.object == "" || m.source != "" || m.target != inside {
		return static.Content{}, false
	}
	object := types.FileObjectConfig(full.Configs[m.object])
	if m.section == "secrets" {
		object = types.FileObjectConfig(full.Secrets[m.object])
	}
	c := static.Content{File: b.show(b.files[len(b.files)-1].path), Text: object.Content}
	if object.Environment != "" {
		value, ok := b.look(object.Environment)
		c.Text = value
		return c, ok
	}
	for _, f := range b.files {
		for _, root := range f.out.roots {
			n := child(child(child(root, m.section), m.object), "content")
			if isNull(n) {
				continue
			}
			c.File, c.Line = b.show(f.path), n.Line
			if n.Style&yaml.LiteralStyle != 0 {
				c.Line++ // it begins below the bar
			}
		}
	}
	return c, object.Content != ""
}

// writable finds a file that Traefik writes, on this machine: in the project's
// folder or the directory of the stack's own state, and nowhere else.
func (b *builder) writable(full *types.Project, s types.ServiceConfig, name string) (root, file string, err error) {
	inside := name
	if !path.IsAbs(inside) {
		inside = path.Join("/", s.WorkingDir, name)
	}
	inside = path.Clean(inside)
	folder := fmt.Sprintf("mount a folder from beside the compose file: ./logs:%s", path.Dir(inside))
	m := mounted(full, s, inside)
	switch {
	case m == nil:
		return "", "", hint.With(errors.New("it is on no volume of the container"), folder)
	case m.source == "" || !filepath.IsAbs(m.source):
		return "", "", hint.With(fmt.Errorf("%s is kept by the container engine", m.what), folder)
	case s.ReadOnly && m.target == "/" || m.readOnly:
		return "", "", hint.With(errors.New("it is mounted read-only"), "take :ro from the mount of "+m.target)
	}
	file = m.at(inside)
	root, err = within.Root(b.writableDirs(), file)
	if errors.Is(err, within.ErrOutside) {
		return "", "", hint.With(fmt.Errorf("%s lies outside of the compose file's folder", file), folder)
	}
	if err != nil {
		return "", "", hint.With(fmt.Errorf("%s: %w", b.show(file), err), "name another file")
	}
	return root, file, nil
}

// writableDirs are the directories that the project's settings may have files written in.
func (b *builder) writableDirs() []string {
	if b.DataDir == "" {
		return []string{b.dir}
	}
	return []string{b.dir, b.DataDir}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
