package web

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"axion/web/stacktest"
)

// TestFilesPage reads generated files out of the archive.
func TestFilesPage(t *testing.T) {
	t.Parallel()
	e := openEditor(t, "/files")
	e.Await("3 files", "compose.yaml", "services:", "src/", "main.ts")
	e.click(".tree-head .button") // downloads the archive, and stays
	e.Await("3 files")
	e.click(`.tree-file[href$="index.html"]`)
	e.Await(`<h1 class="a">Shop</h1>`)
	if got := e.Text(".code .code-name"); got != "class" {
		t.Errorf("got %q marked as a name, want class", got)
	}
	e.Open(e.base + "/files/src/main.ts")
	e.Await("const a = `1`;")
	if got := e.Text(".code .code-string"); got != "`1`" {
		t.Errorf("got %q marked as a string, want `1`", got)
	}
	e.Open(e.base + "/files/none.txt")
	e.Await("There is no file none.txt")
	e.AssertNoConsoleErrors()
	e.g.breakDown("no server answers")
	e.Run(chromedp.Reload())
	e.Await("no server answers")
}

// TestDeploymentsPage follows a deployment, and shows what the service says of it.
func TestDeploymentsPage(t *testing.T) {
	t.Parallel()
	e := openEditor(t, "/deployments")
	e.Await("1 deployment", "Pending", "Nothing was logged yet", "Runs now", "static files")
	e.g.tell(e.id, "DEPLOYMENT_STARTED", `{}`)
	e.Await("Deploying", "12 files generated")
	e.click(".deployment .actions .button")
	e.Await("Cancel: refused", "cannot cancel what has ended")
	e.g.tell(e.id, "DEPLOYMENT_SUCCEEDED", `{"url":"https://shop.apps.localhost:8443"}`)
	e.Await("Live", "Deploy the same again", "https://shop.apps.localhost:8443")
	e.click(".deploy-head .primary")
	e.Await("2 deployments")
	e.Open(e.base + "/deployments/" + deploymentOf(e.id))
	e.Await("12 files generated", deploymentOf(e.id))
	e.Open(e.base + "/deployments/none")
	e.Await("There is no such deployment")
}

func TestHistoryPage(t *testing.T) {
	t.Parallel()
	e := openEditor(t, "/history?event=1")
	e.Await("1 event", "PROJECT_CREATED", `"Shop"`)
	e.Run(chromedp.SendKeys(chromedp.CSS("[data-filter]"), "nothing such"))
	e.Await("No event matches")
	e.AssertNoConsoleErrors()
}

// TestProjectChanges renames a project, and asks before it is deleted.
func TestProjectChanges(t *testing.T) {
	t.Parallel()
	e := openEditor(t, "")
	e.Await("Change…")
	e.click(".actions .button:nth-child(2)")
	e.fill("#edit-name", "")
	e.Await("Give the project a name.")
	e.fill("#edit-name", "Bakery")
	e.fill("#edit-config", `{"a":1}`)
	e.click(".ask .primary")
	e.Await("Bakery", `"a"`)
	e.click(".actions .button:last-child")
	e.Await("Delete this project and its site?", "shop.apps.localhost")
	e.click(".ask .actions .button:last-child")
	e.AwaitGone("Delete this project and its site?")
	e.AssertNoConsoleErrors()
}

// TestProjectModules runs the page's own modules: what they are given comes from
// elsewhere.
func TestProjectModules(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", newFakeGraph(t)))
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/")
	tests := []struct{ name, script, want string }{
		// Every piece of a text comes back, whatever the text and the language.
		{"OKHighlightKeepsAll", `import("/js/highlight.js").then(({piecesOf, languageOf}) => {
			const parts = ["\"", "'", "` + "\\`" +
			`", "/*", "*/", "//", "#", "<!--", "<a b=\"c\">", "\n", "a: 1", "const x", "\\", "{", "}", "3.5e1", " "];
			let seed = 7;
			const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
			for (let i = 0; i < 3000; i++) {
				const text = Array.from({length: random(12)}, () => parts[random(parts.length)]).join("");
				const path = "f." + ["js", "go", "json", "yaml", "css", "html", "md", "sh", "sql", "none"][random(10)];
				const back = piecesOf(text, languageOf(path)).map((piece) => piece.text).join("");
				if (back !== text) return path + ": " + JSON.stringify(text);
			}
			return "all";
		})`, "all"},
		// A damaged archive is an error, never a hang or something else.
		{"OKZipDamaged", `import("/js/zip.js").then(async ({filesOf}) => {
			const created = await fetch("/api/projects/none/code").then((r) => r.arrayBuffer());
			const names = filesOf(created).map((file) => file.path).join();
			let seed = 11;
			const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
			for (let i = 0; i < 400; i++) {
				const bytes = new Uint8Array(created.slice(0, random(3) ? created.byteLength : random(created.byteLength)));
				for (let n = random(6); n >= 0 && bytes.length; n--) bytes[random(bytes.length)] = random(256);
				try {
					for (const file of filesOf(bytes.buffer)) await file.read();
				} catch (error) {
					if (!(error instanceof Error)) return String(error);
				}
			}
			return names;
		})`, "compose.yaml,index.html,src/main.ts"},
		{"OKCompare", `import("/js/architecture.js").then(({compare}) => {
			const before = {nodes: [{id: "a", type: "service"}, {id: "b", type: "cache"}], edges: []};
			const after = {nodes: [{id: "a", type: "service", port: 80, config: {position: {x: 1, y: 2}}}, {id: "c", type: "queue", name: "q"}],
				edges: [{id: "e", from: "a", to: "c", type: "kafka"}]};
			const {added, removed, changed} = compare(before, after);
			return [added.map((it) => it.what), removed.map((it) => it.what), changed.map((it) => it.what + ":" + it.fields)].join(" | ");
		})`, "queue q,a → q (kafka) | cache b | service a:port"},
		{"OKTrace", `import("/js/pages/project/trace.js").then(({traceAt}) => traceAt([
			{traceId: "late", start: "2026-01-01T00:00:05Z", durationMs: 1},
			{traceId: "right", start: "2026-01-01T00:00:02Z", durationMs: 1}, {traceId: "early", start: "2026-01-01T00:00:00Z", durationMs: 1},
		], Date.parse("2026-01-01T00:00:02.010Z")).traceId)`, "right"},
		// Parts that are unhealthy for one cause are one problem.
		{"OKOneCause", `import("/js/state.js").then(({system, problems}) => {
			const full = (name, port) => ({name, state: "unhealthy", detail: "127.0.0.1:" + port + ": storage: the disk of /d is full",
				instances: [{depends: [{name: "storage", state: "unhealthy", detail: "the disk of /d is full"}]}]});
			const before = system.value;
			system.value = {parts: [full("a", 1), {name: "b", state: "unhealthy", detail: "no answer"}, full("c", 2)], problems: []};
			const found = problems.value.filter((p) => p.what.includes("unhealthy")).map((p) => p.what + " / " + p.where);
			system.value = before;
			return found.join("; ");
		})`, "2 parts are unhealthy: a, c / storage: the disk of /d is full; b is unhealthy / no answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := chromedp.Run(b.Context, chromedp.Evaluate[string](tt.script, chromedp.EvalAwaitPromise))
			if err != nil || strings.TrimSpace(got) != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
	b.AssertNoConsoleErrors()
}
