package docs

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/spf13/cobra"

	"axion/embed"
)

// commands is a small command line.
func commands() *cobra.Command {
	root := &cobra.Command{Use: "axion"}
	root.PersistentFlags().String("data", "", "state is kept in `DIR`")
	topics := &cobra.Command{Use: "topics", Short: "List topics", Run: func(*cobra.Command, []string) {},
		Example: "  axion topics\n    indented"}
	topics.AddCommand(&cobra.Command{Use: "create TOPIC", Long: "Create a topic.\n", Run: func(*cobra.Command, []string) {}})
	topics.Flags().Bool("json", false, "print JSON")
	root.AddCommand(topics, &cobra.Command{Use: "secret", Hidden: true, Run: func(*cobra.Command, []string) {}})
	return root
}

// empty is a documentation that says nothing.
func empty() fstest.MapFS {
	files := fstest.MapFS{}
	for _, name := range order {
		files[name+".md"] = &fstest.MapFile{Data: []byte("# " + name + "\n\nNothing.\n")}
	}
	return files
}

// TestTopics: every file is a topic and every topic has a title.
func TestTopics(t *testing.T) {
	t.Parallel()
	topics, err := New(embed.Docs(), commands()).Topics()
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		if topic.Title == "" || strings.HasPrefix(topic.Title, "#") {
			t.Errorf("%s: got the title %q", topic.Name, topic.Title)
		}
	}
	files, err := fs.Glob(embed.Docs(), "*.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(topics)-1 {
		t.Errorf("there are %d files and %d topics, of which one has no file", len(files), len(topics))
	}
}

var (
	mdLink  = regexp.MustCompile(`\]\(([^)]+)\)`)
	htmlID  = regexp.MustCompile(`<h[1-6] id="([^"]+)"`)
	htmlRef = regexp.MustCompile(`href="/docs/([^"]*)"`)
)

// TestLinks: each link between topics leads to one of them, and to a heading that it has.
func TestLinks(t *testing.T) {
	t.Parallel()
	d := New(embed.Docs(), commands())
	ids := map[string][]string{}
	var pages []page
	for _, name := range order {
		p, err := d.page(name)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, p)
		for _, id := range htmlID.FindAllStringSubmatch(p.HTML, -1) {
			ids[name] = append(ids[name], id[1])
		}
	}
	links := 0
	for _, p := range pages {
		for _, found := range htmlRef.FindAllStringSubmatch(p.HTML, -1) {
			links++
			name, heading, _ := strings.Cut(found[1], "#")
			if !slices.Contains(order, name) || heading != "" && !slices.Contains(ids[name], heading) {
				t.Errorf("%s leads to %s, which is not there", p.Name, found[1])
			}
		}
		text, err := d.Text(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range mdLink.FindAllStringSubmatch(text, -1) {
			if to := found[1]; !strings.Contains(to, ".md") && !strings.HasPrefix(to, "http") && !strings.HasPrefix(to, "#") {
				t.Errorf("%s links to %s, which is neither a topic nor an address", p.Name, to)
			}
		}
	}
	if links < 20 {
		t.Errorf("got %d links between topics", links)
	}
}

// TestPage: a page has headings to link to, tables, code with its language and its file's
// name, and no HTML of the text's own.
func TestPage(t *testing.T) {
	t.Parallel()
	text := "# Bus\n\nSee [gateway](gateway.md#how) <script>alert(1)</script>.\n\n## How\n\n| a |\n|---|\n| 1 |\n\n```yaml compose.yaml\n" +
		"a: 1\n```\n"
	files := empty()
	files["bus.md"].Data = []byte(text)
	p, err := New(files, commands()).page("bus")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<h2 id="how">How</h2>`, "<table>", `<code class="language-yaml">`, `<p class="docs-file">compose.yaml</p>`,
		`href="/docs/gateway#how"`} {
		if !strings.Contains(p.HTML, want) {
			t.Errorf("the page lacks %s:\n%s", want, p.HTML)
		}
	}
	if p.Title != "Bus" || strings.Contains(p.HTML, "<script") {
		t.Errorf("got %q %s", p.Title, p.HTML)
	}
}

// TestCommand: the command prints the list, a topic, and says which are near an unknown one.
func TestCommand(t *testing.T) {
	t.Parallel()
	run := func(args ...string) (string, error) {
		root := commands()
		root.AddCommand(New(embed.Docs(), root).Command())
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&out)
		root.SilenceErrors, root.SilenceUsage = true, true
		root.SetArgs(append([]string{"docs"}, args...))
		err := root.Execute()
		return out.String(), err
	}
	for _, tt := range []struct {
		args string
		want []string
	}{
		{"", []string{"getting-started  Getting started", "command-line     Command line", "contributing"}},
		{"nestjs", []string{"# NestJS services\n"}},
		{"command-line", []string{"# Command line\n", "--data DIR", "## axion topics\n\nList topics.\n\n    axion topics",
			"Examples:\n\n    axion topics\n      indented\n",
			"--json", "## axion topics create\n\nCreate a topic.\n\n    axion topics create TOPIC"}},
	} {
		got, err := run(strings.Fields(tt.args)...)
		for _, want := range tt.want {
			if err != nil || !strings.Contains(got, want) {
				t.Errorf("axion docs %s: got %v, want %q in\n%s", tt.args, err, want, got)
			}
		}
		if strings.Contains(got, "secret") {
			t.Errorf("axion docs %s shows a hidden command", tt.args)
		}
	}
	for name, want := range map[string]string{
		"nestj": "did you mean nestjs", "buss": "did you mean bus?", "gat": "did you mean gateway?",
		"nothing-near": "the topics are getting-started, ",
	} {
		_, err := run(name)
		hint, ok := err.(interface{ Hint() string })
		if !ok || !strings.HasPrefix(hint.Hint(), want) {
			t.Errorf("axion docs %s: got %v, want the hint %q", name, err, want)
		}
	}
}

// TestSearch: all words must be in one section; headings come first.
func TestSearch(t *testing.T) {
	t.Parallel()
	files := empty()
	long := strings.Repeat("ä word ", 50)
	files["bus.md"].Data = []byte("# The bus\n\nA start.\n\n## Retries\n\n" + long + "a Message is `tried` again " + long +
		"\n\n## Messages again\n\n```sh\naxion topics\n```\n")
	d := New(files, commands())
	for _, tt := range []struct{ q, want string }{
		{"MESSAGE again", "bus#messages-again bus#retries"},
		{"tried", "bus#retries"},
		{"axion topics dlq", ""},
		{"the bus", "bus#"},
		{" ", ""},
	} {
		hits, err := d.search(tt.q)
		if err != nil {
			t.Fatal(err)
		}
		if hits == nil {
			t.Errorf("%q: got null in place of an empty list", tt.q)
		}
		var got []string
		for _, h := range hits {
			got = append(got, h.Name+"#"+h.ID)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q: got %v, want %s", tt.q, got, tt.want)
		}
	}
	hits, _ := d.search("tried")
	if len(hits) != 1 || !strings.Contains(hits[0].Text, "a Message is tried again") || !strings.HasPrefix(hits[0].Text, "… ") ||
		len(hits[0].Text) > 200 {
		t.Errorf("got %+v", hits)
	}
}

var (
	place    = regexp.MustCompile("`((?:broker|gateway|services|web|embed|\\.ci)/[\\w./-]+|main\\.go|main_test\\.go)`")
	named    = regexp.MustCompile("`(\\w+)`,? (?:in|of) `((?:broker|gateway|services|web)[\\w/]*)`")
	labelWay = regexp.MustCompile(`(?m)^    (gateway[\w/]*) +(\w+) `)
)

// TestReferences: the files, folders and functions that a topic names are there.
func TestReferences(t *testing.T) {
	t.Parallel()
	const root = "../.."
	names := 0
	for _, topic := range order {
		text, err := New(embed.Docs(), commands()).Text(topic)
		if err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, "\n", " \n")
		for _, found := range place.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, found[1])); err != nil {
				t.Errorf("%s names %s, which is not there", topic, found[1])
			}
		}
		flat := regexp.MustCompile(`\s+`).ReplaceAllString(text, " ")
		for _, found := range append(named.FindAllStringSubmatch(flat, -1), swap(labelWay.FindAllStringSubmatch(text, -1))...) {
			names++
			if !hasFunc(t, filepath.Join(root, found[2]), found[1]) {
				t.Errorf("%s names the function %s in %s, which is not there", topic, found[1], found[2])
			}
		}
	}
	if names < 12 {
		t.Errorf("found the names of %d functions", names)
	}
}

// swap has the name before the place.
func swap(all [][]string) [][]string {
	for _, found := range all {
		found[1], found[2] = found[2], found[1]
	}
	return all
}

// hasFunc reports whether a file of a folder declares a function or method of that name.
func hasFunc(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	declares := regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?` + name + `[\[(]`)
	return slices.ContainsFunc(files, func(file string) bool {
		source, err := os.ReadFile(file)
		return err == nil && declares.Match(source)
	})
}
