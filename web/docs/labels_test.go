package docs

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the labels' topic anew")

const (
	labelsFile  = "../../embed/docs/labels.md"
	labelKeys   = "../../gateway/label/testdata/keys.txt"
	settingKeys = "../../gateway/static/testdata/keys.txt"
)

const labelsHead = `# Labels and settings

Every key of Traefik 3.7, and what becomes of it here. A test goes over all of them, as labels, in files, as flags and as
variables: each is followed, or a problem names it with its file, line and label. ` + "`axion check`" + ` lists the problems of your
files; ` + "`<n>`" + ` stands for a name, ` + "`[n]`" + ` for an index.

| | |
|---|---|
| followed | as Traefik does |
| differs | followed where Traefik 3.7 does something else, as the row says |
| unsupported | reported, and left out; what stands beside it counts |
| no effect | there is nothing to follow: it concerns Traefik's own process |
`

// key is a row of the gateway's lists of keys, see their heads.
type key struct{ path, where, verdict string }

func readKeys(t *testing.T, file string) (keys []key) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		columns := strings.Fields(line)
		if len(columns) == 0 || columns[0] == "#" {
			continue
		}
		if len(columns) != 4 {
			t.Fatalf("%s: %q has not four columns", file, line)
		}
		if columns[2] != "section" { // it says nothing without one of its fields
			keys = append(keys, key{columns[0], columns[2], columns[3]})
		}
	}
	return keys
}

// becomes is what the topic says of a key.
func (k key) becomes() string {
	switch {
	case k.where == "reserved":
		return "unsupported: Traefik keeps it for itself"
	case k.verdict == "reported":
		return "unsupported"
	case k.verdict == "inert":
		return "no effect"
	case k.where == "ignored":
		return "differs: Traefik ignores it as a label, and `axion check` says so"
	case k.where == "newer":
		return "differs: newer than Traefik 3.7"
	case k.where == "ours":
		return "differs: Traefik has it for other providers only"
	}
	return "followed"
}

// place is where a key of the dynamic configuration may stand.
func (k key) place() string {
	switch k.where {
	case "file":
		return "files"
	case "label":
		return "labels"
	case "reserved":
		return ""
	}
	return "both"
}

// group is what a key's table is about: the kind of thing, of middlewares each.
func (k key) group() string {
	parts := strings.Split(strings.ReplaceAll(k.path, "[n]", ""), ".")
	switch {
	case k.where == "reserved":
		return "Traefik's own"
	case len(parts) > 3 && parts[1] == "middlewares":
		return strings.Join([]string{parts[0], parts[1], parts[3]}, ".")
	case len(parts) > 2 && slices.Contains([]string{"http", "tcp", "udp", "tls"}, parts[0]):
		return strings.Join(parts[:2], ".")
	case slices.Contains([]string{"enable", "docker", "swarm", "consulcatalog", "nomad"}, parts[0]):
		return "enable and providers"
	}
	return parts[0]
}

// tables are the topic: one for each group.
func tables(t *testing.T) string {
	var b strings.Builder
	b.WriteString(labelsHead)
	for _, list := range []struct{ title, file string }{
		{"Labels and dynamic files", labelKeys}, {"Settings: flags, variables and the static file", settingKeys},
	} {
		fmt.Fprintf(&b, "\n## %s\n", list.title)
		var names []string
		groups := map[string][]key{}
		all := readKeys(t, list.file)
		for _, k := range all {
			if groups[k.group()] == nil {
				names = append(names, k.group())
			}
			groups[k.group()] = append(groups[k.group()], k)
		}
		for _, name := range names {
			table(&b, name, groups[name], all, list.file == labelKeys)
		}
	}
	return b.String()
}

// table has a row for each key, and one for a section of all keys of which nothing is
// supported. It says where a key may stand if places is set.
func table(b *strings.Builder, title string, keys, all []key, places bool) {
	head := "| key | |\n|---|---|\n"
	if places {
		head = "| key | in | |\n|---|---|---|\n"
	}
	fmt.Fprintf(b, "\n### %s\n\n%s", title, head)
	written := map[string]bool{}
	for _, k := range keys {
		name := whole(k, all)
		if written[name] {
			continue
		}
		written[name] = true
		if places {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, k.place(), k.becomes())
		} else {
			fmt.Fprintf(b, "| `%s` | %s |\n", name, k.becomes())
		}
	}
}

// whole is the largest part of all keys that k is in and of which nothing is supported,
// as "http.models.*"; the key's own path where there is none.
func whole(k key, all []key) string {
	if !strings.HasPrefix(k.becomes(), "unsupported") {
		return k.path
	}
	parts := strings.Split(k.path, ".")
	for i := range parts {
		prefix, n, same := strings.Join(parts[:i+1], "."), 0, true
		for _, other := range all {
			if other.path == prefix || strings.HasPrefix(other.path, prefix+".") {
				n++
				same = same && other.becomes() == k.becomes() && other.place() == k.place()
			}
		}
		if same && n > 1 {
			return prefix + ".*"
		}
	}
	return k.path
}

// TestLabels: the topic of labels and settings is what the gateway's lists say.
func TestLabels(t *testing.T) {
	t.Parallel()
	want := tables(t)
	if *update {
		if err := os.WriteFile(labelsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(labelsFile)
	if err != nil || string(got) != want {
		t.Errorf("embed/docs/labels.md is not what the lists of keys say (%v): go test ./web/docs -run Labels -update", err)
	}
}
