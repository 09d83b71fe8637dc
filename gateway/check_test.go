package gateway_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway/command"
	"axion/gateway/provider"
)

// check runs `axion check` on a compose document.
func check(t *testing.T, compose string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "compose.yaml")
	write(t, file, compose)
	var out bytes.Buffer
	cmd := command.All(command.Stack{Sources: func() ([]provider.Source, []string) { return nil, []string{file} }})[2]
	cmd.SetArgs(nil)
	cmd.SetOut(&out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.Execute()
	return strings.ReplaceAll(out.String(), file, "compose.yaml"), err
}

const port = "http.services.app.loadbalancer.server.port=80"

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		compose string
		want    []string // in the output; none means that all is well
	}{
		"OK": {compose(port, "http.routers.a.rule=Host(`a.localhost`)"), nil},
		"ErrLabel": {compose(port, "http.routers.a.rul=Host(`a.localhost`)"),
			[]string{"error: compose.yaml:6", "traefik.http.routers.a.rul", "hint: did you mean", "traefik.http.routers.a.rule"}},
		"ErrV2": {compose(port, "http.routers.a.rule=Host(`a.localhost`,`b.localhost`)"),
			[]string{"compose.yaml:6", "v2", "hint: write Host(`a.localhost`) || Host(`b.localhost`)"}},
		"ErrShadowed": {compose(port, "http.routers.a.rule=Host(`a.localhost`)", "http.routers.a.priority=90",
			"http.routers.b.rule=Host(`a.localhost`) && Path(`/x`)"),
			[]string{"warning: compose.yaml", `label "traefik.http.routers.b.rule"`, "the router gets no request", "above 90"}},
		"ErrTie": {compose(port, "http.routers.a.rule=Host(`a.localhost`) && Method(`GET`)",
			"http.routers.b.rule=Host(`a.localhost`) && Method(`PUT`)"),
			[]string{"the same priority", "give one of them a higher priority"}},
		"ErrPort": {compose("http.routers.a.rule=Host(`a.localhost`)"), []string{"port is missing", "loadbalancer.server.port"}},
		"ErrMiddleware": {compose(port, "http.routers.a.rule=Host(`a.localhost`)", "http.routers.a.middlewares=strp",
			"http.middlewares.strip.stripprefix.prefixes=/x"),
			[]string{`middleware "strp@docker" does not exist`, `did you mean "strip@docker"?`}},
		"ErrServiceOfProject": {"name: shop\n" +
			"services: {app: {image: any, ports: ['81:80'], labels: ['traefik.http.routers.a.rule=Host(`a.localhost`)', " +
			"'traefik.http.routers.a.middlewares=e', 'traefik.http.middlewares.e.errors.status=404', " +
			"'traefik.http.middlewares.e.errors.service=app']}}",
			[]string{`the service "app@docker" does not exist`, `the service of the compose service "app" is called "app-shop"`}},
		"ErrPlainTLS": {compose(port, "http.routers.a.rule=Host(`a.localhost`)", "http.routers.a.entrypoints=web", "http.routers.a.tls=true"),
			[]string{"entrypoint web serves plain HTTP only, and the router has tls"}},
		"ErrChain": {compose(port, "http.routers.a.rule=Host(`a.localhost`)", "http.routers.a.middlewares=c",
			"http.middlewares.c.chain.middlewares=c"),
			[]string{"leads back to itself"}},
		"ErrYAML": {"services: [", []string{"error: compose.yaml", "malformed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := check(t, tt.compose)
			if (err == nil) != (tt.want == nil) {
				t.Errorf("got error %v for\n%s", err, out)
			}
			for _, w := range tt.want {
				if !strings.Contains(out, w) {
					t.Errorf("got\n%swithout %q", out, w)
				}
			}
		})
	}
}

// run runs `axion check` on files, and gives its output and exit code.
func run(t *testing.T, files []string, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	cmd := command.All(command.Stack{Sources: func() ([]provider.Source, []string) { return nil, files }})[2]
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.Execute()
	code := 0
	if coded, ok := err.(interface{ ExitCode() int }); ok {
		code = coded.ExitCode()
	} else if err != nil {
		code = 1
	}
	if err != nil {
		out.WriteString(err.Error())
	}
	return out.String(), code
}

func TestCheckExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := "services:\n  a:\n    expose: [80]\n    labels: [\"traefik.http.routers.a.rule=Host(`a.localhost`)\"]\n  b: {}\n"
	for name, content := range map[string]string{
		"good.yaml": good, "notice.yaml": good + "  c:\n    labels: [traefik.http.middlewares.m.compress=true]\n",
		"bare.yaml": "services: {a: {image: x}}\n",
		"bad.yaml":  "services: [", "warned.yaml": strings.Replace(good, "a.localhost", "a.localhost:80", 1), "empty.yaml": "",
		"comment.yaml": "\ufeff# nothing\n---\n", "services.yaml": "services: {}\n",
		"networks.yaml": "networks: {}\n", "dynamic.yaml": "http:\n  middlewares: {}\n", "sub/compose.yaml": good, "none/x.txt": "x",
		"conf/a.yml": "http:\n  middlewares:\n    m: {compress: {}}\n",
	} {
		write(t, filepath.Join(dir, name), content)
	}
	for name, tt := range map[string]struct {
		files []string
		code  int
		want  string
	}{
		"OK":           {[]string{"good.yaml"}, 0, "no problems in 2 services, 1 of them with labels of Traefik's"},
		"OKNotice":     {[]string{"notice.yaml"}, 0, "notice: "},
		"OKBare":       {[]string{"bare.yaml"}, 0, "no problems in 1 service, none of them with a label of Traefik's"},
		"OKFolder":     {[]string{"conf"}, 0, "notice: "},
		"ErrMalformed": {[]string{"bad.yaml"}, 1, "malformed"},
		"ErrWarning":   {[]string{"warned.yaml"}, 1, "warning: "},
		"ErrNoFile":    {nil, 2, "there is no compose file to check"},
		"ErrMissing":   {[]string{"gone.yaml"}, 2, "there is no such file"},
		"ErrOneGone":   {[]string{"good.yaml", "gone.yaml"}, 2, "there is no such file"},
		"ErrEmpty":     {[]string{"empty.yaml"}, 2, "the file is empty"},
		"ErrComment":   {[]string{"comment.yaml"}, 2, "the file is empty"},
		"ErrServices":  {[]string{"services.yaml"}, 2, "there is nothing to check"},
		"ErrNetworks":  {[]string{"networks.yaml"}, 2, "there is nothing to check"},
		"ErrDynamic":   {[]string{"dynamic.yaml"}, 2, "there is nothing to check"},
		"ErrFolder":    {[]string{"none"}, 2, "there is nothing to check"},
		"ErrCompose":   {[]string{"sub"}, 2, "there is nothing to check"},
		"ErrDevice":    {[]string{"/dev/null"}, 2, "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var files []string
			for _, f := range tt.files {
				if !filepath.IsAbs(f) {
					f = filepath.Join(dir, f)
				}
				files = append(files, f)
			}
			out, code := run(t, files)
			if code != tt.code || !strings.Contains(out, tt.want) {
				t.Errorf("got exit code %d and %q, want %d and %q", code, out, tt.code, tt.want)
			}
			out, code = run(t, files, "--json")
			var body struct {
				Items []map[string]any
				Error string
			}
			line, _, _ := strings.Cut(out, "\n")
			if err := json.Unmarshal([]byte(line), &body); err != nil || code != tt.code || body.Items == nil {
				t.Errorf("--json: got exit code %d and %q: %v", code, out, err)
			}
			if code == 2 && !strings.Contains(body.Error, tt.want) {
				t.Errorf("--json: got error %q, want %q", body.Error, tt.want)
			}
		})
	}
	t.Run("ErrPermission", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "compose.yaml")
		write(t, file, good)
		if err := os.Chmod(file, 0); err != nil {
			t.Fatal(err)
		}
		if f, err := os.Open(file); err == nil {
			_ = f.Close()
			t.Skip("this user may read every file")
		}
		if out, code := run(t, []string{file}); code != 2 || !strings.Contains(out, "may not be read") {
			t.Errorf("got exit code %d and %q", code, out)
		}
	})
}
