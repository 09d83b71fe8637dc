package gateway_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v4"

	"axion/gateway/command"
	"axion/gateway/config"
)

// goWords are what no message to users may hold: names of Go's types and packages.
var goWords = regexp.MustCompile(
	`strconv\.|\btime: |json: (cannot|invalid|unknown)|yaml: |toml: |mapstructure|cannot unmarshal|!!(str|int|map|seq|bool)|\*?(config|types|url|netip|http|tls|x509)\.[A-Z]|` +
		`error parsing regexp|regexp/syntax: |reflect\.|interface ?\{\}|map\[string\]|\[\](string|interface)|u?int(8|16|32|64)\b|float64|invalid syntax|nil pointer|<nil>|` +
		`ParseAddr|ParsePrefix|parse "|unmarshal|%!|panic|goroutine|runtime error|open /|stat /|lstat`)

// wrongValues are values of every type that a setting may be given.
var wrongValues = []any{"wrong value", "", "(", "-1", -1, 1.5, true, 70000, "99999999999999999999", []any{"a", "b"},
	[]any{map[string]any{"a": "b"}},
	map[string]any{"a": "b"}, map[string]any{}, []any{}, nil, "\u00fc:/ %zz", "{{", "1h30"}

// fit fails the test where a problem is not fit to be shown to who wrote the file.
func fit(t *testing.T, what string, problems []config.Problem) {
	t.Helper()
	for _, p := range problems {
		if text := p.Error() + " / " + p.Fix; goWords.MatchString(strings.ReplaceAll(text, p.File, "FILE")) {
			t.Errorf("%s: %q speaks of Go: %q", what, text, goWords.FindString(text))
		}
		if p.File == "" || p.Line == 0 {
			t.Errorf("%s: %q names no file and line", what, p.Error())
		}
		if strings.Contains(p.Message, "\n") || strings.TrimSpace(p.Message) == "" {
			t.Errorf("%s: %q is not one line", what, p.Message)
		}
	}
}

func checkFile(t *testing.T, file string, content []byte) []config.Problem {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	problems, err := command.Check(nil, []string{file})
	if err != nil {
		t.Fatalf("check %s: %v\n%s", file, err, content)
	}
	return problems
}

// labelled is a compose file of services with one label each of the list, which is that
// of the package label, with a value, and a router that uses what it defines.
func labelled(list, value string) string {
	var b strings.Builder
	b.WriteString("services:\n")
	i := 0
	for line := range strings.Lines(list) {
		if line = strings.TrimSpace(line); len(line) < 3 || !strings.Contains("+=~!>", line[:1]) || line[1] != ' ' {
			continue
		}
		i++
		name := fmt.Sprintf("n%d", i)
		label := strings.NewReplacer("<n>", name, "[n]", "[0]", "<h>", "X-Name").Replace(line[2:])
		fmt.Fprintf(&b, "  s%d:\n    expose: [80]\n    labels:\n      traefik.%s: %q\n      traefik.http.routers.u%s.rule: Path(`/%s`)\n", i,
			label, value, name, name)
		switch kind := strings.Split(label, "."); {
		case strings.HasPrefix(label, "http.middlewares."):
			fmt.Fprintf(&b, "      traefik.http.routers.u%s.middlewares: %s\n", name, name)
		case strings.HasPrefix(label, "http.services.") && len(kind) > 2:
			fmt.Fprintf(&b, "      traefik.http.routers.u%s.service: %s\n", name, name)
		case strings.HasPrefix(label, "tcp.middlewares."), strings.HasPrefix(label, "tcp.services."):
			fmt.Fprintf(&b, "      traefik.tcp.routers.%s.rule: HostSNI(`*`)\n      traefik.tcp.routers.%s.%s: %s\n", name, name,
				strings.Replace(kind[1], "services", "service", 1), name)
		}
	}
	return b.String()
}

// TestCheckEveryLabel gives every label that there is a wrong value.
func TestCheckEveryLabel(t *testing.T) {
	if testing.Short() {
		t.Skip("goes through many inputs, one after the other: it runs without -short")
	}
	t.Parallel()
	for i, value := range wrongValues {
		text, ok := value.(string)
		if !ok && value != nil {
			text = fmt.Sprint(value)
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			content := everyLabel(t, text)
			if strings.Count(content, "expose") < 200 {
				t.Fatal("got few labels, want all")
			}
			problems := checkFile(t, filepath.Join(t.TempDir(), "compose.yaml"), []byte(content))
			if text != "" && len(problems) == 0 {
				t.Error("got no problem at all")
			}
			fit(t, fmt.Sprintf("labels with %q", text), problems)
		})
	}
}

// leaves calls f with the path of every field below t that holds no fields of its own.
func leaves(t reflect.Type, path []string, f func(path []string, t reflect.Type)) {
	if len(path) > 12 {
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		leaves(t.Elem(), path, f)
	case reflect.Map:
		leaves(t.Elem(), append(path[:len(path):len(path)], "n"), f)
	case reflect.Struct:
		f(path, t)
		for i := range t.NumField() {
			field := t.Field(i)
			if field.IsExported() && field.Tag.Get("file") != "-" {
				leaves(field.Type, append(path[:len(path):len(path)], camel(field.Name)), f)
			}
		}
	case reflect.Slice:
		f(path, t)
		if t.Elem().Kind() == reflect.Struct {
			leaves(t.Elem(), append(path[:len(path):len(path)], "[0]"), f)
		}
	default:
		f(path, t)
	}
}

// camel is a field as files write it.
func camel(name string) string {
	upper := 0
	for upper < len(name) && name[upper] < 'a' {
		upper++
	}
	if upper > 1 && upper < len(name) {
		upper--
	}
	return strings.ToLower(name[:upper]) + name[upper:]
}

// nested puts a value at a path of mappings and lists.
func nested(path []string, value any) any {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == "[0]" {
			value = []any{value}
		} else {
			value = map[string]any{path[i]: value}
		}
	}
	return value
}

// TestCheckEverySetting gives every setting of dynamic files a value of every type.
func TestCheckEverySetting(t *testing.T) {
	if testing.Short() {
		t.Skip("goes through many inputs, one after the other: it runs without -short")
	}
	t.Parallel()
	type section struct {
		HTTP struct {
			Routers           map[string]*config.Router
			Services          map[string]*config.Service
			Middlewares       map[string]*config.Middleware
			ServersTransports map[string]*config.ServersTransport
		}
		TCP config.TCP
		UDP config.UDP
		TLS config.TLS
	}
	for _, format := range []struct {
		name    string
		marshal func(any) ([]byte, error)
		values  []any
	}{
		{"a.yaml", func(v any) ([]byte, error) { return yaml.Marshal(v) }, wrongValues},
		{"a.json", func(v any) ([]byte, error) { return json.MarshalIndent(v, "", " ") }, []any{"wrong value", -1, map[string]any{"a": "b"},
			nil}},
		{"a.toml", toml.Marshal, []any{"wrong value", 1.5, []any{"a"}, map[string]any{"a": "b"}}},
	} {
		t.Run(format.name, func(t *testing.T) {
			t.Parallel()
			settings, file := 0, filepath.Join(t.TempDir(), format.name)
			leaves(reflect.TypeFor[section](), nil, func(path []string, typ reflect.Type) {
				if settings++; len(path) == 0 {
					return
				}
				for _, value := range format.values {
					data, err := format.marshal(nested(path, value))
					if err != nil {
						t.Fatal(err)
					}
					problems := checkFile(t, file, data)
					what := fmt.Sprintf("%s: %v in %s", strings.Join(path, "."), value, format.name)
					fit(t, what, problems)
					typed := typ.Kind() == reflect.Bool || typ.Kind() == reflect.Int || typ.Kind() == reflect.Int64
					if value == "wrong value" && typed && len(problems) == 0 {
						t.Errorf("%s: got no problem", what)
					}
				}
			})
			if settings < 250 {
				t.Errorf("walked %d settings, want all", settings)
			}
		})
	}
}

// TestCheckEveryStaticSetting gives every setting of Traefik's own values that it
// cannot have, as a flag, a variable and in a file.
func TestCheckEveryStaticSetting(t *testing.T) {
	if testing.Short() {
		t.Skip("goes through many inputs, one after the other: it runs without -short")
	}
	t.Parallel()
	type tree struct {
		EntryPoints           map[string]*config.EntryPoint
		CertificatesResolvers map[string]*config.CertResolver
		Providers             struct {
			Docker *config.StaticDocker
			File   struct{ Filename, Directory string }
		}
		AccessLog        *config.AccessLog
		Metrics          *config.Metrics
		Ping             *config.Ping
		API              *config.API
		ServersTransport *config.ServersTransport
	}
	const head = "services:\n  proxy:\n    image: traefik:v3.7\n    volumes: [./traefik.yml:/etc/traefik/traefik.yml]\n"
	dir := t.TempDir()
	leaves(reflect.TypeFor[tree](), nil, func(path []string, _ reflect.Type) {
		if len(path) == 0 {
			return
		}
		name := strings.ReplaceAll(strings.Join(path, "."), ".[0]", "[0]")
		for _, value := range []string{"wrong value", "-1", "(", ""} {
			flag, _ := json.Marshal("--" + name + "=" + value)
			fit(t, name+" by flag", checkFile(t, filepath.Join(dir, "compose.yaml"), []byte(strings.ReplaceAll(head, "    volumes",
				"    x-none")+"    command: ["+string(flag)+"]\n")))
			text, _ := json.Marshal(value)
			variable := "TRAEFIK_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
			fit(t, name+" by variable", checkFile(t, filepath.Join(dir, "compose.yaml"), []byte(strings.ReplaceAll(head, "    volumes",
				"    x-none")+"    environment: {"+variable+": "+string(text)+"}\n")))
		}
		for _, value := range []any{"wrong value", -1, []any{"a"}, map[string]any{"a": "b"}} {
			data, err := yaml.Marshal(nested(path, value))
			if err != nil {
				t.Fatal(err)
			}
			for file, content := range map[string]string{"compose.yaml": head, "traefik.yml": string(data)} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			problems, err := command.Check(nil, []string{filepath.Join(dir, "compose.yaml")})
			if err != nil {
				t.Fatal(err)
			}
			fit(t, fmt.Sprintf("%s: %v in a file", name, value), problems)
		}
	})
}
