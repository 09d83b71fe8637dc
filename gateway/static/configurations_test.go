package static_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v4"

	"axion/gateway/config/keytest"
	"axion/gateway/static"
)

// harmless are the settings of the configurations that are not followed and ask for what
// is so anyway, such as Traefik's default.
var harmless = map[string][]string{
	"minimal.yml":     {"entryPoints.web.observability.traceVerbosity"},
	"kubernetes.toml": {"experimental.kubernetesGateway"},
	"production.yml": {"providers.docker.endpoint", "providers.docker.watch", "providers.file.watch",
		"entryPoints.websecure.transport.lifeCycle.requestAcceptGraceTimeout"},
	"key-value.flags":    {"metrics.statsd"},
	"entrypoints.flags":  {"providers.docker.httpclienttimeout"},
	"empty-sections.yml": {"core.defaultRuleSyntax"},
}

// TestConfigurations reads configurations such as people have them: each setting in them
// is followed, or a problem names it or the section that it is in.
func TestConfigurations(t *testing.T) {
	t.Parallel()
	keys := keytest.Read(t, "testdata/keys.txt")
	files, err := filepath.Glob("testdata/configurations/*")
	if err != nil || len(files) < 20 {
		t.Fatalf("got %d configurations, want 20: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			source, paths := configuration(t, file)
			_, problems := static.Read(source)
			var messages []string
			for _, p := range problems {
				message := strings.ToLower(p.Message) + " "
				if strings.Contains(message, "traefik_") {
					message = strings.ReplaceAll(strings.ReplaceAll(message, "traefik_", ""), "_", ".")
				}
				messages = append(messages, strings.ReplaceAll(message, "--", ""))
			}
			for _, path := range paths {
				verdict, listed := verdictOf(keys, path)
				silent := slices.Contains(harmless[filepath.Base(file)], path)
				switch named := namedIn(messages, path); {
				case silent && named:
					t.Errorf("%s asks for nothing, and a problem names it: %q", path, messages)
				case !listed && !named:
					t.Errorf("%s is none of Traefik's, and no problem says so: %q", path, messages)
				case verdict == "reported" && !named && !silent:
					t.Errorf("%s is not followed, and no problem says so: %q", path, messages)
				case listed && verdict != "reported" && slices.ContainsFunc(messages, func(m string) bool {
					return strings.Contains(m, strings.ToLower(path)+" is not supported") || strings.Contains(m, "no setting "+strings.ToLower(path)+" ")
				}):
					t.Errorf("%s is followed, and a problem says that it is not: %q", path, messages)
				}
			}
		})
	}
}

// configuration is a source and the paths of its settings. The file's ending is .yml or
// .toml, or .flags or .env with one in each line.
func configuration(t *testing.T, file string) (static.Source, []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	source := static.Source{Path: func(name string) (string, bool) { return name, filepath.Dir(name) == "/nowhere" }}
	var paths []string
	form := filepath.Ext(file)
	switch form {
	case ".yml", ".toml":
		var root map[string]any
		unmarshal := toml.Unmarshal
		if form == ".yml" {
			unmarshal = func(data []byte, v any) error { return yaml.Unmarshal(data, v) }
		}
		if err := unmarshal(data, &root); err != nil {
			t.Fatal(err)
		}
		source.Path = func(name string) (string, bool) {
			if name == "/etc/traefik/traefik"+form {
				return file, true
			}
			return name, !strings.Contains(name, "traefik.")
		}
		return source, leaves("", root)
	case ".env":
		source.Env = map[string]string{}
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		name, value, _ := strings.Cut(line, "=")
		switch form {
		case ".flags":
			source.Args = append(source.Args, static.Arg{Text: line})
			if path, ok := strings.CutPrefix(name, "--"); ok {
				paths = append(paths, path)
			}
		default:
			source.Env[name] = value
			if path, ok := strings.CutPrefix(strings.ToUpper(name), "TRAEFIK_"); ok {
				paths = append(paths, strings.ReplaceAll(path, "_", "."))
			}
		}
	}
	return source, paths
}

// leaves are the paths of what a file says.
func leaves(path string, v any) []string {
	var all []string
	switch v := v.(type) {
	case map[string]any:
		for name, child := range v {
			all = append(all, leaves(strings.TrimPrefix(path+"."+name, "."), child)...)
		}
		if len(v) == 0 {
			return []string{path}
		}
		return all
	case []any:
		for i, item := range v {
			if _, ok := item.(map[string]any); ok {
				all = append(all, leaves(fmt.Sprintf("%s[%d]", path, i), item)...)
			}
		}
		if len(all) > 0 {
			return all
		}
	case nil:
		return nil // as if it were not there
	}
	return []string{path}
}

// verdictOf is what becomes of a setting by the list, and whether it is there.
func verdictOf(keys []keytest.Key, path string) (verdict string, listed bool) {
	segments := strings.Split(strings.ToLower(strings.ReplaceAll(path, "[0]", ".0")), ".")
	for _, k := range keys {
		pattern := strings.Split(strings.ToLower(strings.ReplaceAll(k.Path, "[n]", ".<n>")), ".")
		if len(pattern) != len(segments) {
			continue
		}
		same := true
		for i, p := range pattern {
			same = same && (p == "<n>" || p == segments[i])
		}
		if same {
			return k.Verdict, true
		}
	}
	return "", false
}

// namedIn reports whether a message names a setting, or a section that it is in.
func namedIn(messages []string, path string) bool {
	segments := strings.Split(strings.ToLower(path), ".")
	for n := len(segments); n > 0; n-- {
		name := strings.Join(segments[:n], ".")
		if slices.ContainsFunc(messages, func(m string) bool {
			return strings.Contains(" "+m, " "+name+" ") || strings.Contains(" "+m, " "+name+":") || strings.Contains(" "+m, " "+name+",")
		}) {
			return true
		}
	}
	return false
}
