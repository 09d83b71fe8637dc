package provider

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway/config"
)

// The access log of a file's own Traefik is written below the file's folder or the
// stack's own, where its container would write it, and nowhere else.
func TestAccessLogPath(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir, data, outside := filepath.Join(top, "project"), filepath.Join(top, "data"), filepath.Join(top, "outside")
	for _, d := range []string{filepath.Join(dir, "logs"), filepath.Join(dir, "folder"), data, outside} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "logs", "old.log"), "")
	write(t, filepath.Join(outside, "secret"), "")
	for link, to := range map[string]string{"out": outside, "logs/link.log": filepath.Join(outside, "secret"), "logs/in.log": "old.log"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	write(t, filepath.Join(dir, "static.yml"), "accessLog:\n  filePath: /l/a.log\n")
	write(t, filepath.Join(dir, "escape.yml"), "accessLog:\n  filePath: /o/secret\n")
	write(t, filepath.Join(dir, "env"), "TRAEFIK_ACCESSLOG_FILEPATH=/o/secret\n")
	flag := func(path string) string { return "command: ['--accesslog.filepath=" + path + "']" }
	for name, tt := range map[string]struct{ volumes, traefik, want string }{
		"OK":                      {"./logs:/l", flag("/l/a.log"), "logs/a.log"},
		"OK/existing":             {"./logs:/l", flag("/l/old.log"), "logs/old.log"},
		"OK/file mount":           {"./logs/old.log:/var/log/a.log", flag("/var/log/a.log"), "logs/old.log"},
		"OK/deeper mount":         {"./:/l,./logs:/l/sub", flag("/l/sub/a.log"), "logs/a.log"},
		"OK/new folder":           {"./new:/l", flag("/l/x/a.log"), "new/x/a.log"},
		"OK/relative":             {"./logs:/l", flag("l/a.log"), "logs/a.log"},
		"OK/working directory":    {"./logs:/l", "working_dir: /l\n    " + flag("a.log"), "logs/a.log"},
		"OK/link inside":          {"./logs:/l", flag("/l/in.log"), "logs/in.log"},
		"OK/dots":                 {"./logs:/l", flag("/x/../l/a.log"), "logs/a.log"},
		"OK/static file":          {"./logs:/l,./static.yml:/etc/traefik/traefik.yml", "", "logs/a.log"},
		"OK/variable":             {"./logs:/l", "environment: {TRAEFIK_ACCESSLOG_FILEPATH: /l/a.log}", "logs/a.log"},
		"OK/data directory":       {data + ":/d", flag("/d/a.log"), "../data/a.log"},
		"OK/device":               {"named:/l", flag("/l/a.log"), "logs/a.log"},
		"OK/standard output":      {"", "command: ['--accesslog=true']", ""},
		"Err/no mount":            {"./logs:/l", flag("/var/log/a.log"), "on no volume"},
		"Err/beside the mount":    {"./logs:/l", flag("/l/../etc/passwd"), "on no volume"},
		"Err/name like the mount": {"./logs:/l", flag("/lx/a.log"), "on no volume"},
		"Err/host":                {outside + ":/o", flag("/o/secret"), "outside of the compose file's folder"},
		"Err/root":                {"/:/host", flag("/host/etc/motd"), "outside of the compose file's folder"},
		"Err/above":               {"../outside:/o", flag("/o/a.log"), "outside of the compose file's folder"},
		"Err/link":                {"./logs:/l", flag("/l/link.log"), "outside of the compose file's folder"},
		"Err/link on the way":     {"./out:/l", flag("/l/a.log"), "outside of the compose file's folder"},
		"Err/link below":          {"./:/l", flag("/l/out/new/a.log"), "outside of the compose file's folder"},
		"Err/read-only":           {"./logs:/l:ro", flag("/l/a.log"), "read-only"},
		"Err/engine's volume":     {"plain:/l", flag("/l/a.log"), "kept by the container engine"},
		"Err/anonymous volume":    {"/l", flag("/l/a.log"), "kept by the container engine"},
		"Err/tmpfs over a mount":  {"./logs:/l", "tmpfs: [/l/t]\n    " + flag("/l/t/a.log"), "kept by the container engine"},
		"Err/directory":           {"./:/l", flag("/l/folder"), "not a regular file"},
		"Err/below a file":        {"./logs:/l", flag("/l/old.log/a.log"), "not a directory"},
		"Err/config":              {"", "configs: [{source: c, target: /c}]\n    " + flag("/c"), "read-only"},
		"Err/static file":         {outside + ":/o,./escape.yml:/etc/traefik/traefik.yml", "", "outside of the compose file's folder"},
		"Err/variable": {outside + ":/o", "environment: {TRAEFIK_ACCESSLOG_FILEPATH: /o/secret}",
			"outside of the compose file's folder"},
		"Err/env_file": {outside + ":/o", "env_file: env", "outside of the compose file's folder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(dir, strings.NewReplacer("/", "-", " ", "-").Replace(name)+".yaml")
			text := "services:\n  web:\n    image: x\n    ports: ['3000']\n    labels: ['traefik.http.routers.r.rule=Host(`a`)']\n" +
				"  traefik:\n    image: traefik\n    " + tt.traefik + "\n    volumes: ["
			if tt.volumes != "" {
				text += "'" + strings.ReplaceAll(tt.volumes, ",", "', '") + "'"
			}
			write(t, file, text+"]\nvolumes:\n  plain: {}\n  named: {driver_opts: {type: none, o: bind, device: "+filepath.Join(dir,
				"logs")+"}}\nconfigs:\n  c: {file: static.yml}\n")
			for range 2 {
				d := open(t, Options{Files: []string{file}, DataDir: data, EnvLookup: none}).Dynamic()
				if rules(d)["r"] == "" {
					t.Errorf("routers: got %v, want the rest of the file", rules(d))
				}
				checkAccessLog(t, dir, d, tt.want, strings.HasPrefix(name, "OK"))
			}
		})
	}
}

func checkAccessLog(t *testing.T, dir string, d *config.Dynamic, want string, ok bool) {
	t.Helper()
	log := d.Static.AccessLog
	switch {
	case ok && want == "":
		if log == nil || log.FilePath != "" || len(d.Problems) > 0 {
			t.Errorf("got %+v, problems %v; want one without a file", log, d.Problems)
		}
	case ok:
		if log == nil || log.FilePath != filepath.Join(dir, want) || log.Root == "" || len(d.Problems) > 0 {
			t.Errorf("got %+v, problems %v; want %s", log, d.Problems, want)
		}
	case log != nil || len(d.Problems) != 1:
		t.Errorf("got %+v, problems %v; want none, and why", log, d.Problems)
	default:
		p := d.Problems[0]
		if !strings.Contains(p.Message, want) || p.File == "" || p.Line == 0 || p.Fix == "" {
			t.Errorf("problem: got %+v, want %q with a place and a hint", p, want)
		}
		if strings.Contains(fmt.Sprint(p.Fix), ":ro:") {
			t.Errorf("hint: %s", p.Fix)
		}
	}
}
