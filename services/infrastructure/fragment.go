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

// prefix marks this service's files in the watched directory.
const prefix = "app-"

func fragmentFile(dir, slug string) string { return filepath.Join(dir, prefix+slug+".yaml") }

// writeFragment replaces the fragment in one step, and leaves it alone where it
// says the same already, so that the gateway has nothing to reload.
func writeFragment(dir string, rt runtime) error {
	var text bytes.Buffer
	err := fragment.Execute(&text, struct {
		Slug, Host string
		Port       int
	}{rt.slug, hostOf(rt.slug), rt.port})
	if err != nil {
		return fmt.Errorf("write fragment: %w", err)
	}
	name := fragmentFile(dir, rt.slug)
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

func removeFragment(dir, slug string) error {
	err := os.Remove(fragmentFile(dir, slug))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove fragment: %w", err)
	}
	return nil
}

// pruneFragments removes this service's fragments that no runtime stands for:
// those of a project whose removal a crash cut short, or which does not start.
func pruneFragments(dir string, up []runtime) error {
	keep := map[string]bool{}
	for _, rt := range up {
		keep[filepath.Base(fragmentFile(dir, rt.slug))] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("prune fragments: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() || keep[e.Name()] || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("prune fragments: %w", err)
		}
	}
	return nil
}
