package stacktest_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"axion/web/stacktest"
)

// block is a fenced block of a document: the language and the file's name after its fence,
// and what it holds.
type block struct{ language, file, text string }

// blocks reads those of a document.
func blocks(t *testing.T, document string) (all []block) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var open *block
	for line := range strings.Lines(string(text)) {
		fence, ok := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case ok && open == nil:
			open = &block{}
			open.language, open.file, _ = strings.Cut(fence, " ")
		case ok:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		t.Fatalf("%s: a block of %s has no end", document, open.language)
	}
	return all
}

// files writes the blocks that have a name into a directory.
func files(t *testing.T, dir string, all []block) {
	t.Helper()
	for _, b := range all {
		if b.file == "" {
			continue
		}
		path := filepath.Join(dir, b.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		save(t, path, b.text)
	}
}

// commands are a block's, each without the lines' ends that a backslash keeps away.
func (b block) commands() []string {
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(b.text, "\\\n", " ")), "\n")
}

var (
	clone = regexp.MustCompile(`\bgo run \.`)
	runs  = regexp.MustCompile(`^axion( up| serve| trust| untrust)?( [a-z-]*-service)?( --?[a-z]|$)`) // until it is ended, or for good
	tests = regexp.MustCompile(`^go test `)
	node  = regexp.MustCompile(`^(npm |env \$\(axion env\) node )`)
)

// answers are what the commands of a document print.
var answers = map[string][]string{
	"README.md":          {`"slug":"hello"`, `"items":[`, "<h1>Hello</h1>", "graph.localhost", "axion.graph-service.events"},
	"getting-started.md": {`"slug":"hello-docs"`, `"items":[`, "<h1>Hello Docs</h1>", "axion.graph-service.events"},
	"compose.md":         {"shop.localhost", "127.0.0.1:4000"},
	"bus.md":             {`"accepted":1`, `"error_code":null`, "replay"},
	"dashboard.md":       {`"kind":"route-delay"`},
	"operations.md":      {"0.1.0"},
	"contributing.md":    {"0.1.0"},
	"troubleshooting.md": {"graph.localhost"},
}

// TestDocs runs every command of the README and of the documentation beside one stack, in
// the directory of its compose file. Those that run until they are ended are asked for
// their help with the flags that they have; what Node runs is [TestDocsNest]'s.
func TestDocs(t *testing.T) {
	t.Parallel()
	needCurl(t)
	documents, err := filepath.Glob("../../embed/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files(t, dir, blocks(t, "../../embed/docs/compose.md"))
	s := stacktest.Launch(t, binary, "--data", filepath.Join(dir, ".axion"), "-f", filepath.Join(dir, "compose.yaml"))
	run := 0
	for _, document := range append(documents, "../../README.md", "../../.github/CONTRIBUTING.md") {
		name := filepath.Base(document)
		var output strings.Builder
		for _, b := range blocks(t, document) {
			if b.language != "sh" {
				continue
			}
			var script []string
			for _, command := range b.commands() {
				command = clone.ReplaceAllString(command, "axion")
				run++
				switch {
				case runs.MatchString(command):
					wantHelp(t, name, command)
				case tests.MatchString(command):
					wantPackages(t, name, command)
				case name == "nestjs.md" && node.MatchString(command):
				default:
					script = append(script, command)
				}
			}
			output.WriteString(shell(t, s, dir, name, script))
		}
		for _, want := range answers[name] {
			if !strings.Contains(output.String(), want) {
				t.Errorf("%s: the output lacks %s:\n%s", name, want, output.String())
			}
		}
	}
	if run < 40 {
		t.Errorf("ran %d commands, which cannot be all", run)
	}
}

// needCurl skips or fails the test where there is no curl.
func needCurl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("AXION_REQUIRE_TOOLS") == "1" {
			t.Fatal("no curl in PATH: install curl to run this test")
		}
		t.Skip("no curl in PATH: install curl to run this test")
	}
}

// shell runs the commands of one block in one shell, with the addresses of s in place of
// the default ones. It ends at the first command that fails, curl's that get an error too.
func shell(t *testing.T, s *stacktest.Process, dir, document string, commands []string) string {
	t.Helper()
	if len(commands) == 0 {
		return ""
	}
	script := "curl() { command curl -sSf \"$@\"; }\n" + strings.Join(commands, "\n")
	for address, is := range map[string]string{
		"8443": s.HTTPS, "8080": s.HTTP, "8900": s.Dashboard, "4318": s.OTLPHTTP, "9092": "kafka://" + s.Summary.Kafka,
	} {
		at, err := url.Parse(is)
		if err != nil {
			t.Fatal(err)
		}
		script = strings.ReplaceAll(script, ":"+address, ":"+at.Port())
	}
	script = strings.ReplaceAll(script, "~/.config/axion/ca/root.crt", s.CA)
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
	cmd.Dir, cmd.Env = dir, withBinary()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s\n%s", document, err, strings.Join(commands, "\n"), out)
	}
	return string(out)
}

// wantHelp checks that a command that is not run is one, and has the flags that it is
// given: the help comes after they are read.
func wantHelp(t *testing.T, document, command string) {
	t.Helper()
	args := strings.Fields(command)[1:]
	out, errs, code := execute(t, t.TempDir(), append(args, "--help")...)
	usage := "axion [flags]"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		usage = "axion " + args[0] + " "
	}
	if code != 0 || !strings.Contains(out, "Usage:\n  "+usage) {
		t.Errorf("%s: %s: got %d %s%s", document, command, code, out, errs)
	}
}

// wantPackages checks that a command tests packages that there are.
func wantPackages(t *testing.T, document, command string) {
	t.Helper()
	args := slices.DeleteFunc(strings.Fields(command)[2:], func(arg string) bool { return !strings.HasPrefix(arg, ".") })
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil || len(out) == 0 || len(args) == 0 {
		t.Errorf("%s: %s: %v %s", document, command, err, out)
	}
}

// TestDocsPage finds a section, goes to it and back, and is sent to a heading by its address.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	s := stacktest.Launch(t, binary)
	const seen = `(id) => { const at = document.getElementById(id)?.getBoundingClientRect().top; return at >= 0 && at < 200; }`
	// The page may be drawn again between finding an element and pressing it.
	const click = `(selector) => { const at = document.querySelector(selector); at?.click(); return at !== null; }`
	b.Open(s.Dashboard + "/docs")
	b.Await("Getting started", "Deploy a project")
	b.Run(chromedp.SendKeys(chromedp.CSS("[data-filter]"), "replayed message"))
	b.Await("sections", "A replayed message goes back")
	b.AwaitTrue(click, `.docs-hit[href*="#dead-letters"]`)
	b.AwaitTrue(`(to) => (location.pathname + location.hash) === to`, "/docs/bus#dead-letters")
	b.AwaitTrue(seen, "dead-letters")
	b.AwaitTrue(click, `.docs-headings a[href="#deployments"]`)
	b.AwaitTrue(seen, "deployments")
	b.Run(chromedp.NavigateBack())
	b.AwaitTrue(seen, "dead-letters")
	b.Open(s.Dashboard + "/docs/labels#httpmiddlewaresretry")
	b.Await("http.middlewares.<n>.retry.attempts")
	b.AwaitTrue(seen, "httpmiddlewaresretry")
	b.Open(s.Dashboard + "/docs/nothing")
	b.Await("There is no such topic", "the topics are getting-started")
}
