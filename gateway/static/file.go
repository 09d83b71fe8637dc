package static

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/dynamic/document"
	"axion/gateway/regular"
)

// staticFile is a static configuration file.
type staticFile struct {
	name  string // on this machine
	place string // in the container
	data  []byte
}

// files finds those of the container on this machine.
type files struct {
	Source
	*report
}

// searchPaths are where Traefik looks for its static file, in its order (pkg/cli/loader_file.go).
// A variable that is not set leaves nothing: /traefik.yml is one of them.
func (f *files) searchPaths() []string {
	var list []string
	for _, base := range []string{"/etc/traefik/traefik", "$XDG_CONFIG_HOME/traefik", "$HOME/.config/traefik", "./traefik"} {
		for _, ending := range []string{".toml", ".yaml", ".yml"} {
			if place := f.inside(os.Expand(base+ending, f.variable)); !slices.Contains(list, place) {
				list = append(list, place)
			}
		}
	}
	return list
}

// variable is the value of an environment variable of the container. HOME has the
// user's home by the /etc/passwd of Traefik's image, or / where it is not there.
func (f *files) variable(name string) string {
	value, ok := f.Env[name]
	if ok || name != "HOME" {
		return value
	}
	switch user, _, _ := strings.Cut(f.User, ":"); user {
	case "", "0", "root":
		return "/root"
	}
	return "/"
}

// inside is an absolute path in the container.
func (f *files) inside(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", f.WorkingDir, name)
}

// static is the one that the last flag for it names, or else the first at one of the
// paths that Traefik searches, or nil. Traefik does not go on to another where it
// cannot read the one that it found.
func (f *files) static(flags []setting) *staticFile {
	for _, s := range slices.Backward(flags) {
		if s.namesFile() && strings.TrimSpace(s.value) != "" {
			return f.named(s)
		}
		if s.namesFile() {
			break
		}
	}
	if f.Path == nil {
		return nil // this machine's own are none of ours
	}
	for _, place := range f.searchPaths() {
		if c := f.content(place); c != nil {
			return c
		}
		host, ok := f.Path(place)
		if !ok {
			continue
		}
		data, err := regular.Read(host, document.MaxBytes)
		if err == nil {
			return &staticFile{host, place, data}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			f.unreadable(host, 0, err)
			return nil
		}
	}
	return nil
}

// named is the file of a flag, in which Traefik puts variables.
func (f *files) named(s setting) *staticFile {
	name := s.value
	if f.Path != nil {
		name = f.inside(os.Expand(name, f.variable))
	}
	if !slices.Contains([]string{".toml", ".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name))) {
		f.problem(config.Error, s.line, fmt.Sprintf("the static configuration file %s has none of the endings that Traefik reads, "+
			"and it does not start with it", name), "call it .yml, .yaml, .toml or .json")
		return nil
	}
	if c := f.content(name); c != nil {
		return c
	}
	host, ok := f.host(name, s.line, "the static configuration file")
	if !ok {
		return nil
	}
	data, err := regular.Read(host, document.MaxBytes)
	if err != nil {
		f.unreadable(host, s.line, err)
		return nil
	}
	return &staticFile{host, name, data}
}

// content is the file that the compose file itself holds for a place, or nil. Its lines
// are counted as there.
func (f *files) content(place string) *staticFile {
	if f.Content == nil {
		return nil
	}
	c, ok := f.Content(place)
	if !ok {
		return nil
	}
	return &staticFile{c.File, place, []byte(strings.Repeat("\n", max(c.Line-1, 0)) + c.Text)}
}

func (f *files) unreadable(host string, line int, err error) {
	f.problem(config.Error, line, fmt.Sprintf("the static configuration file %s cannot be read: %s", host, reason(err)), "")
}

// reason is an error without the file's name, which stands before it.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// host finds a container's path on this machine, or reports that it is not there.
func (f *files) host(name string, line int, what string) (string, bool) {
	if f.Path == nil {
		return name, true
	}
	at := f.inside(name)
	host, ok := f.Path(at)
	if !ok {
		f.problem(config.Warning, line, fmt.Sprintf("%s, %s, is on no volume of the container, and so cannot be read", what, at),
			fmt.Sprintf("mount it: ./%s:%s:ro", path.Base(at), at))
	}
	return host, ok
}
