package infrastructure

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// fragment is the compose file that routes one project: HTTPS to its port, and
// plain HTTP to HTTPS. A slug is a DNS label: nothing needs quoting, and what follows
// an underscore is never part of another slug.
var fragment = template.Must(template.New("fragment").Parse(
	`# Written by infrastructure-service, and written anew at each deployment.
services:
  app-{{.Slug}}:
    labels:
      traefik.enable: "true"
      traefik.http.routers.app-{{.Slug}}.rule: Host(` + "`{{.Host}}`" + `)
      traefik.http.routers.app-{{.Slug}}.entrypoints: websecure
      traefik.http.routers.app-{{.Slug}}.tls: "true"
      traefik.http.routers.app-{{.Slug}}_web.rule: Host(` + "`{{.Host}}`" + `)
      traefik.http.routers.app-{{.Slug}}_web.entrypoints: web
      traefik.http.routers.app-{{.Slug}}_web.middlewares: app-{{.Slug}}_https
      traefik.http.middlewares.app-{{.Slug}}_https.redirectscheme.scheme: https
      traefik.http.services.app-{{.Slug}}.loadbalancer.server.port: "{{.Port}}"
`))

// prefix is that of this service's files in the watched directory.
const prefix = "app-"

// fragments is the directory that the gateway watches.
type fragments string

// file returns the file of a project's fragment.
func (f fragments) file(slug string) string { return filepath.Join(string(f), prefix+slug+".yaml") }

// write replaces the fragment of a project in one step, unless it has not changed: then the
// gateway has nothing to reload.
func (f fragments) write(rt runtime) error {
	var text bytes.Buffer
	err := fragment.Execute(&text, struct {
		Slug, Host string
		Port       int
	}{rt.slug, hostOf(rt.slug), rt.port})
	if err != nil {
		return fmt.Errorf("write fragment: %w", err)
	}
	name := f.file(rt.slug)
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text.Bytes()) {
		return nil
	}
	tmp := name + ".tmp" // not an extension that the gateway reads
	if err := os.WriteFile(tmp, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write fragment: %w", err)
	}
	if err := os.Rename(tmp, name); err != nil {
		return fmt.Errorf("write fragment: %w", err)
	}
	return nil
}

// remove removes the fragment of a project.
func (f fragments) remove(slug string) error {
	err := os.Remove(f.file(slug))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove fragment: %w", err)
	}
	return nil
}

// prune removes this service's fragments but those of up: of projects whose removal a crash
// cut short, or which do not start.
func (f fragments) prune(up []runtime) error {
	keep := map[string]bool{}
	for _, rt := range up {
		keep[filepath.Base(f.file(rt.slug))] = true
	}
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return fmt.Errorf("prune fragments: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() || keep[e.Name()] || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		if err := os.Remove(filepath.Join(string(f), e.Name())); err != nil {
			return fmt.Errorf("prune fragments: %w", err)
		}
	}
	return nil
}
