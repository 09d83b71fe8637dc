package static_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v4"

	"axion/gateway/config"
	"axion/gateway/config/keytest"
	"axion/gateway/static"
)

// native is a sample as a file has it.
func native(sample string) any {
	if n, err := strconv.Atoi(sample); err == nil {
		return n
	}
	if sample == "true" || sample == "false" {
		return sample == "true"
	}
	if strings.Contains(sample, ",") && !strings.Contains(sample, "(") {
		return strings.Split(sample, ",")
	}
	return sample
}

// document is a static file that sets keys alone.
func document(keys map[string]string) map[string]any {
	root := map[string]any{}
	for name, sample := range keys {
		at := root
		segments := strings.Split(name, ".")
		for i, segment := range segments {
			name, _, indexed := strings.Cut(segment, "[")
			if i == len(segments)-1 {
				at[name] = native(sample)
				break
			}
			next, ok := at[name].(map[string]any)
			if !ok {
				next = map[string]any{}
				if at[name] = next; indexed {
					at[name] = []any{next}
				}
			}
			at = next
		}
	}
	return root
}

// ways are the ways to set Traefik to the same: its flags, its variables, and a file in
// each form.
func ways(t *testing.T, keys map[string]string) map[string]static.Source {
	t.Helper()
	here := func(dir string) func(string) (string, bool) {
		return func(name string) (string, bool) {
			if rest, ok := strings.CutPrefix(name, "/etc/traefik/"); ok && filepath.Ext(rest) != ".yml" && filepath.Ext(rest) != ".toml" {
				return name, true
			}
			return filepath.Join(dir, filepath.Base(name)), strings.HasPrefix(filepath.Base(name), "traefik.")
		}
	}
	empty := t.TempDir()
	flags, env := static.Source{Path: here(empty)}, static.Source{Path: here(empty), Env: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		flags.Args = append(flags.Args, static.Arg{Text: "--" + strings.ToLower(name) + "=" + keys[name]})
		env.Env["TRAEFIK_"+strings.ToUpper(strings.NewReplacer(".", "_", "[", "_", "]", "").Replace(name))] = keys[name]
	}
	all := map[string]static.Source{"flags": flags, "environment": env}
	for file, marshal := range map[string]func(any) ([]byte, error){"traefik.yml": func(v any) ([]byte, error) { return yaml.Marshal(v) },
		"traefik.toml": toml.Marshal} {
		data, err := marshal(document(keys))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
			t.Fatal(err)
		}
		all[file] = static.Source{Path: here(dir)}
	}
	return all
}

// bare is a configuration without what depends on where it was read.
func bare(t *testing.T, s *config.Static) string {
	t.Helper()
	s.Origin, s.Lines = config.Origin{}, nil
	for _, e := range s.EntryPoints {
		e.Origin = config.Origin{}
	}
	if s.ServersTransport != nil {
		s.ServersTransport.Origin = config.Origin{}
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestKeys goes over every setting of Traefik's static configuration, as a flag, as a
// variable and in files: it is taken in all of them, and the same, or it is reported.
func TestKeys(t *testing.T) {
	t.Parallel()
	keys := keytest.Read(t, "testdata/keys.txt")
	keytest.CheckTests(t, "..", keys)
	for _, k := range keys {
		if k.Path == "configFile" { // of flags only
			continue
		}
		t.Run(k.Path, func(t *testing.T) {
			t.Parallel()
			settings := map[string]string{k.Name(): k.Sample}
			if strings.HasPrefix(k.Path, "providers.file.") && k.Verdict == "reported" {
				settings["providers.file.directory"] = "/etc/traefik/d"
			}
			if k.Verdict == "reported" {
				settings["entryPoints.beside.address"] = ":99"
			}
			first := ""
			for way, source := range ways(t, settings) {
				got, problems := static.Read(source)
				reported(t, way, k, problems)
				if k.Verdict == "reported" && got.EntryPoints["beside"] == nil {
					t.Errorf("%s: what stands beside it is gone", way)
				}
				if k.Where == "section" {
					continue // a file writes what is around it as well
				}
				text := bare(t, got)
				if first == "" {
					first = text
				} else if text != first {
					t.Errorf("%s: got %s\nwant %s", way, text, first)
				}
			}
			if k.Verdict == "reported" || k.Verdict == "inert" {
				return
			}
			nothing, _ := static.Read(static.Source{})
			if unset := bare(t, nothing); first == unset {
				t.Errorf("nothing is set: %s", first)
			}
		})
	}
}

// reported checks that a setting that is not followed is reported, and nothing else is.
func reported(t *testing.T, way string, k keytest.Key, problems []config.Problem) {
	t.Helper()
	if k.Where == "newer" {
		if len(problems) != 1 || problems[0].Severity != config.Notice || !strings.Contains(problems[0].Message, "a newer version has it") {
			t.Errorf("%s: got problems %v, want that Traefik 3.7 does not have it", way, problems)
		}
		return
	}
	if k.Verdict != "reported" {
		if len(problems) > 0 {
			t.Errorf("%s: got problems %v", way, problems)
		}
		return
	}
	if len(problems) != 1 {
		t.Errorf("%s: got problems %v, want one", way, problems)
		return
	}
	if k.Where == "section" {
		if !strings.Contains(strings.ToLower(problems[0].Message), strings.ToLower(k.Field())) {
			t.Errorf("%s: got %v, want that %s says nothing alone", way, problems, k.Path)
		}
		return
	}
	if problems[0].Fix == "" {
		t.Errorf("%s: %s: got no hint", way, problems[0].Message)
	}
	message, _, ok := strings.Cut(strings.ToLower(problems[0].Message), " is not supported: it is ignored")
	whole := strings.TrimPrefix(strings.TrimPrefix(strings.ReplaceAll(message, "_", "."), "--"), "traefik.")
	if !ok || !strings.HasPrefix(strings.ToLower(k.Name()), whole) {
		t.Errorf("%s: got %q, want that %s is not supported", way, problems[0].Message, k.Name())
	}
}

// TestKeysAbsent goes over what Traefik 3.7 does not have: it is reported as such in all
// spellings, with what to do, wherever the setting around it is not followed.
func TestKeysAbsent(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	sections := []string{"pilot"}
	for _, k := range keytest.Read(t, "testdata/keys.txt") {
		listed[strings.ToLower(k.Path)] = true
		section, _, _ := strings.Cut(strings.ToLower(k.Path), ".")
		sections = append(sections, section)
	}
	for _, path := range static.Absent() {
		if listed[strings.ReplaceAll(path, "*", "<n>")] {
			t.Errorf("%s is in the list of Traefik's settings", path)
		}
		if strings.Contains(path, "[0]") {
			continue // an item of the one before it
		}
		name := strings.ReplaceAll(path, "*", "n")
		for way, source := range ways(t, map[string]string{name: "x"}) {
			_, problems := static.Read(source)
			root, _, _ := strings.Cut(name, ".")
			passed := way != "flags" && !slices.Contains(sections, root)
			if way == "environment" {
				passed = !slices.ContainsFunc(sections, func(s string) bool { return strings.HasPrefix(name, s) })
			}
			if len(problems) != 1 || problems[0].Fix == "" || problems[0].Severity != config.Warning ||
				!strings.HasPrefix(problems[0].Message, "Traefik has no setting ") ||
				strings.Contains(problems[0].Message, "does not start") == passed {
				t.Errorf("%s: %s: got %v, want that Traefik has no such setting, and a hint; passed over %t", name, way, problems, passed)
			}
		}
	}
}

// TestKeysAreListed is the other way round: what is taken, and what is reported not to be
// supported, is in the list.
func TestKeysAreListed(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, k := range keytest.Read(t, "testdata/keys.txt") {
		path := strings.NewReplacer("<n>", "*", "[n]", "[0]").Replace(strings.ToLower(k.Path))
		for segments := strings.Split(path, "."); len(segments) > 0; segments = segments[:len(segments)-1] {
			listed[strings.Join(segments, ".")] = true
		}
	}
	for _, path := range slices.Concat(static.Settings(), static.Undecoded()) {
		if !listed[path] {
			t.Errorf("the setting %s is known, and not in the list", path)
		}
	}
}
