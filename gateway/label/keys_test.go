package label_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v4"

	"axion/gateway/command"
	"axion/gateway/config"
	"axion/gateway/config/keytest"
	"axion/gateway/dynamic"
	"axion/gateway/dynamic/document"
	"axion/gateway/label"
)

// decoded is what labels or a file say, in the shape of Traefik's files.
type decoded struct {
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

// at is the value of a path such as "http.routers.n.tls.domains[0].main".
func (d *decoded) at(path string) reflect.Value {
	v := reflect.ValueOf(d).Elem()
	for segment := range strings.SplitSeq(path, ".") {
		name, index, indexed := strings.Cut(segment, "[")
		switch v = reflect.Indirect(v); {
		case v.Kind() == reflect.Map:
			v = v.MapIndex(reflect.ValueOf(name))
		case v.Kind() == reflect.Struct:
			v = v.FieldByNameFunc(func(f string) bool { return strings.EqualFold(f, name) })
		}
		if indexed && v.IsValid() {
			i, _ := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if i >= v.Len() {
				return reflect.Value{}
			}
			v = v.Index(i)
		}
		if !v.IsValid() {
			return v
		}
	}
	return v
}

// labels are a key's, with what a service needs beside it.
func labels(k keytest.Key) map[string]string {
	key := strings.ToLower(strings.ReplaceAll(k.Name(), "servers[0]", "server"))
	all := map[string]string{}
	set := func(name, value string) { all["traefik."+name] = value }
	set("http.services.base.loadbalancer.server.port", "80")
	section, _, _ := strings.Cut(key, ".")
	switch {
	case strings.HasPrefix(key, "http.routers."):
		set("http.routers.n.service", "base")
		set("http.routers.n.rule", "Path(`/`)")
	case strings.HasPrefix(key, "tcp.routers."), strings.HasPrefix(key, "udp.routers."):
		set(section+".services.base.loadbalancer.server.port", "80")
		set(section+".routers.n.service", "base")
		if section == "tcp" {
			set("tcp.routers.n.rule", "HostSNI(`*`)")
		}
	case strings.Contains(key, ".services.n.loadbalancer."), key == "http.services.n.middlewares":
		if !strings.HasSuffix(key, ".server.url") {
			set(section+".services.n.loadbalancer.server.port", "80")
		}
	}
	set(key, k.Sample)
	return all
}

// native is a sample as a file has it.
func native(sample string) any {
	if n, err := strconv.Atoi(sample); err == nil {
		return n
	}
	if sample == "true" || sample == "false" {
		return sample == "true"
	}
	if strings.Contains(sample, ",") {
		return strings.Split(sample, ",")
	}
	return sample
}

// file is the content of one that sets a key alone.
func file(k keytest.Key) map[string]any {
	segments := strings.Split(k.Name(), ".")
	value := native(k.Sample)
	for _, segment := range slices.Backward(segments) {
		name, _, indexed := strings.Cut(segment, "[")
		if indexed {
			value = []any{value}
		}
		value = map[string]any{name: value}
	}
	return value.(map[string]any)
}

// files are the forms of one, by their names.
func files(t *testing.T, k keytest.Key) map[string][]byte {
	t.Helper()
	return filesWith(t, k, nil)
}

// filesWith are the forms of one that has a middleware called beside as well; nil means
// none.
func filesWith(t *testing.T, k keytest.Key, beside map[string]any) map[string][]byte {
	t.Helper()
	content := file(k)
	if beside != nil {
		section, ok := content["http"].(map[string]any)
		if !ok {
			section = map[string]any{}
			content["http"] = section
		}
		middlewares, ok := section["middlewares"].(map[string]any)
		if !ok {
			middlewares = map[string]any{}
			section["middlewares"] = middlewares
		}
		middlewares["beside"] = beside
	}
	all := map[string][]byte{}
	for name, marshal := range map[string]func(any) ([]byte, error){"a.yml": func(v any) ([]byte, error) { return yaml.Marshal(v) },
		"a.toml": toml.Marshal, "a.json": json.Marshal} {
		data, err := marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = data
	}
	return all
}

func ofLabels(set *label.Set) *decoded {
	d := &decoded{TCP: set.TCP, UDP: set.UDP, TLS: config.TLS{Stores: set.TLSStores}}
	d.HTTP.Routers, d.HTTP.Services, d.HTTP.Middlewares = set.Routers, set.Services, set.Middlewares
	return d
}

func ofFile(set *dynamic.Set) *decoded {
	d := &decoded{TCP: set.TCP, UDP: set.UDP, TLS: set.TLS}
	d.HTTP.Routers, d.HTTP.Services, d.HTTP.Middlewares, d.HTTP.ServersTransports = set.Routers, set.Services, set.Middlewares,
		set.ServersTransports
	return d
}

// TestKeys goes over every key of Traefik's dynamic configuration, as a label and in
// files of each form: it is taken in all of them, and the same, or it is reported.
func TestKeys(t *testing.T) {
	t.Parallel()
	keys := keytest.Read(t, "testdata/keys.txt")
	keytest.CheckTests(t, "..", keys)
	for _, k := range keys {
		t.Run(k.Path, func(t *testing.T) {
			t.Parallel()
			switch {
			case k.Where == "reserved":
				passedOver(t, k)
				return
			case k.Verdict == "reported":
				reported(t, k)
				return
			}
			set := label.Decode(label.Service{Name: "web", Project: "shop", File: "compose.yaml", Labels: labels(k)})
			switch k.Where {
			case "label":
				quiet(t, "label", set.Problems, 0)
				return
			case "file":
				told := slices.ContainsFunc(set.Problems, func(p config.Problem) bool {
					return p.Severity == config.Warning && strings.Contains(p.Message, "only files can set it")
				})
				dropped := strings.HasSuffix(k.Path, ".address") // no label has ever had that name
				if !told && !dropped || dropped && len(set.Problems) == 0 {
					t.Errorf("as a label: got problems %v, want that only files can set it", set.Problems)
				}
			case "ignored", "newer":
				quiet(t, "label", set.Problems, 1)
			case "both":
				quiet(t, "label", set.Problems, 0)
			case "ours":
				if len(set.Problems) != 1 || !strings.HasPrefix(set.Problems[0].Message, "Traefik ignores this label") {
					t.Errorf("as a label: got problems %v, want that Traefik ignores it", set.Problems)
				}
			}
			var first any
			if k.Where == "both" || k.Where == "ignored" || k.Where == "newer" {
				first = taken(t, "label", ofLabels(set), k)
			}
			for name, data := range files(t, k) {
				set, problems := dynamic.Read(t.Context(), name, data, nil)
				notices := 0
				if k.Where == "newer" || k.Where == "ours" {
					notices = 1
				}
				quiet(t, name, problems, notices)
				got := taken(t, name, ofFile(set), k)
				if first != nil && !reflect.DeepEqual(got, first) {
					t.Errorf("%s: got %v, want %v", name, got, first)
				}
				first = got
			}
		})
	}
}

// quiet fails where there are problems, but for so many notices.
func quiet(t *testing.T, of string, problems []config.Problem, notices int) {
	t.Helper()
	for _, p := range problems {
		if p.Severity == config.Notice && notices > 0 {
			notices--
		} else {
			t.Errorf("%s: got problem %v", of, p)
		}
	}
	if notices > 0 {
		t.Errorf("%s: %d notices are missing", of, notices)
	}
}

// taken is what a key has set.
func taken(t *testing.T, of string, d *decoded, k keytest.Key) any {
	t.Helper()
	v := d.at(k.Name())
	if !v.IsValid() || v.IsZero() {
		t.Errorf("%s: nothing is set", of)
		return nil
	}
	return reflect.Indirect(v).Interface()
}

// passedOver checks that a key which Traefik keeps for itself is reported by its name, as a
// label and in files, and that what stands beside it counts.
func passedOver(t *testing.T, k keytest.Key) {
	t.Helper()
	told := func(of string, problems []config.Problem) {
		if len(problems) != 1 || problems[0].Severity != config.Warning ||
			!strings.Contains(strings.ToLower(problems[0].Label+" "+problems[0].Message), strings.ToLower(strings.TrimSuffix(ownerOf(k), ".<n>"))) {
			t.Errorf("%s: got problems %v, want a warning that names %s", of, problems, ownerOf(k))
		}
	}
	all := labels(k)
	all["traefik.http.middlewares.beside.compress"] = "true"
	set := label.Decode(label.Service{Name: "web", Project: "shop", File: "compose.yaml", Labels: all})
	told("label", set.Problems)
	if set.Middlewares["beside"] == nil || set.Services["base"] == nil {
		t.Error("label: what stands beside it is gone")
	}
	for name, data := range filesWith(t, k, map[string]any{"compress": true}) {
		set, problems := dynamic.Read(t.Context(), name, data, nil)
		told(name, problems)
		if set.Middlewares["beside"] == nil {
			t.Errorf("%s: what stands beside it is gone", name)
		}
	}
}

// ownerOf is the name that a key's problem must speak of: its own, or that of the
// reserved field which it is in.
func ownerOf(k keytest.Key) string {
	path := strings.ReplaceAll(k.Path, "<n>", "*")
	for _, f := range config.ReservedFields() {
		if path == f.Path || strings.HasPrefix(path, f.Path+".") {
			return f.Path[strings.LastIndex(f.Path, ".")+1:]
		}
	}
	return k.Field()
}

// reported checks that the check of a project reports a key that is not followed, as
// a label and in a file.
func reported(t *testing.T, k keytest.Key) {
	t.Helper()
	var b strings.Builder
	b.WriteString("services:\n  web:\n    ports: [\"81:80\"]\n    labels:\n")
	all := labels(k)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "      - %q\n", name+"="+all[name])
	}
	contents := map[string][]byte{"compose.yaml": []byte(b.String())}
	if k.Where != "label" {
		maps.Copy(contents, files(t, k))
	}
	for name, data := range contents {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		problems, err := command.Check(nil, []string{path})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(problems, func(p config.Problem) bool {
			text := strings.ToLower(p.Label + " " + p.Message)
			return strings.Contains(text, strings.ToLower(k.Field())) || strings.Contains(text, "redis") && strings.Contains(k.Path, ".redis.") ||
				strings.Contains(text, "spiffe") && strings.Contains(k.Path, ".spiffe.") || strings.Contains(text, "plugin") &&
				strings.Contains(k.Path, ".plugin.")
		}) {
			t.Errorf("%s: got problems %v, want one of %s", name, problems, k.Field())
		}
	}
}

// TestKeysAreListed is the other way round: what labels and files take is in the list.
func TestKeysAreListed(t *testing.T) {
	t.Parallel()
	asLabel, inFile := map[string]bool{}, map[string]bool{}
	for _, k := range keytest.Read(t, "testdata/keys.txt") {
		path := strings.ToLower(k.Path)
		if k.Where != "label" {
			inFile[path] = true
		}
		name := strings.ReplaceAll(path, "servers[n]", "server")
		if i := strings.Index(name, "<n>"); i >= 0 {
			rest, _, _ := strings.Cut(name[i+3:], "<n>")
			if strings.Contains(name, ".plugin.") {
				rest = ".plugin."
			}
			if strings.HasSuffix(rest, ".") {
				rest += "<h>"
			}
			name = name[:i+3] + rest
		}
		asLabel[name] = true
	}
	known, err := os.ReadFile("labels.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(known)) {
		if name := strings.TrimSpace(line); len(name) > 2 && name[1] == ' ' && strings.Contains("+=~!->", name[:1]) && !asLabel[name[2:]] {
			t.Errorf("the label %s is taken, and not in the list", name[2:])
		}
	}
	for _, path := range fields("", reflect.TypeFor[decoded]()) {
		absent := slices.Contains([]string{"http.routers.<n>.tls.passthrough", "http.middlewares.<n>.ipwhitelist.rejectstatuscode",
			"http.middlewares.<n>.passtlsclientcert.info.issuer.organizationalunit",
			"http.middlewares.<n>.passtlsclientcert.info.issuer.uid"}, path) // see dynamic.TestReadProblems
		store := strings.HasPrefix(path, "tls.stores.<n>.") && inFile[strings.Replace(path, "<n>", "default", 1)]
		if !inFile[path] && !absent && !store {
			t.Errorf("the field %s is taken in files, and not in the list", path)
		}
	}
}

// fields are the paths of all that a type holds.
func fields(path string, t reflect.Type) []string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct:
		if t.NumField() == 0 {
			return []string{path}
		}
		var all []string
		for _, name := range document.Names(t) {
			f, _ := document.Field(t, name)
			all = append(all, fields(strings.TrimPrefix(path+"."+strings.ToLower(name), "."), f.Type)...)
		}
		return all
	case reflect.Map:
		return fields(path+".<n>", t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return fields(path+"[n]", t.Elem())
		}
	}
	return []string{path}
}
