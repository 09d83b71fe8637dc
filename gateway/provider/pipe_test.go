//go:build unix

package provider

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe in place of a file is reported, and keeps nothing waiting.
func TestPipes(t *testing.T) {
	t.Parallel()
	base := "services:\n  web:\n    image: x\n    ports: ['3000']\n    labels:\n      - traefik.http.routers.r.rule=Host(`a.localhost`)\n"
	for name, tt := range map[string]struct{ file, more string }{
		".env":       {".env", ""},
		"env_file":   {"pipe", "  traefik:\n    image: traefik\n    env_file: pipe\n    command: [--ping]\n"},
		"label_file": {"pipe", "    label_file: pipe\n"},
		"extends":    {"pipe", "  b: {extends: {file: pipe, service: c}}\n"},
		"include":    {"pipe", "include: [pipe]\n"},
		"static":     {"pipe", "  traefik:\n    image: traefik\n    volumes: ['./pipe:/etc/traefik/traefik.yml']\n"},
		"file provider": {"pipe", "  traefik:\n    image: traefik\n    volumes: ['./pipe:/pipe']\n" +
			"    command: [--providers.file.filename=/pipe]\n"},
		"directory": {"pipe.yml", "  traefik:\n    image: traefik\n    volumes: ['.:/all']\n    command: [--providers.file.directory=/all]\n"},
		"no directory": {"pipe", "  traefik:\n    image: traefik\n    volumes: ['./pipe:/pipe']\n" +
			"    command: [--providers.file.directory=/pipe]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := tempFile(t, base)
			r := run(t, Options{Files: []string{path}, EnvLookup: none})
			pipe := filepath.Join(filepath.Dir(path), tt.file)
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Skip(err)
			}
			write(t, path, base+tt.more+"# changed\n")
			r.untilProblem(t, tt.file)
			remove(t, pipe)
			write(t, path, strings.Replace(base, "a.localhost", "b.localhost", 1))
			r.untilRule(t, "r", "b.localhost")
		})
	}
}
