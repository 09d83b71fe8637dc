package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"axion/web/stacktest"
	"axion/web/telemetry"
)

// editor is a page of a project's graph, and the fake service behind it.
type editor struct {
	*stacktest.Tab
	t    *testing.T
	g    *fakeGraph
	id   string // the project's
	base string // the dashboard's address
}

// openEditor creates a project and opens one of its views.
func openEditor(t *testing.T, view string, graphs ...fakeVersion) *editor {
	t.Helper()
	b := stacktest.OpenTab(t)
	g := newFakeGraph(t)
	s := newStack()
	o := s.options(t, "127.0.0.1:0", g)
	o.Traces = telemetry.New()
	s.start(t, o)
	g.mu.Lock()
	id, _ := g.addProject("Shop", "static-site", nil)["id"].(string)
	g.mu.Unlock()
	for _, graph := range graphs {
		g.addGraph(id, graph)
	}
	e := &editor{Tab: b, t: t, g: g, id: id, base: "http://" + s.address + "/projects/" + id}
	e.Open(e.base + view)
	return e
}

// graph makes a graph of nodes, "service shop", and edges, "shop database db".
func graphOf(parts ...string) fakeVersion {
	graph := fakeVersion{Nodes: []map[string]any{}, Edges: []map[string]any{}}
	for _, part := range parts {
		words := strings.Fields(part)
		if len(words) == 2 {
			graph.Nodes = append(graph.Nodes, map[string]any{"id": words[1], "type": words[0], "name": words[1]})
		} else {
			graph.Edges = append(graph.Edges, map[string]any{"id": part, "from": words[0], "type": words[1], "to": words[2]})
		}
	}
	for _, e := range graph.Edges {
		e["id"] = strings.ReplaceAll(fmt.Sprint(e["id"]), " ", "-")
	}
	return graph
}

// saved waits for a version and gives its parts, as graphOf takes them.
func (e *editor) saved(version int) []string {
	e.t.Helper()
	e.Await(fmt.Sprintf("Version %d", version))
	e.AwaitTrue(`(word) => [...document.querySelectorAll("[role=status]")].some((it) => it.textContent === word)`, "saved")
	e.g.mu.Lock()
	defer e.g.mu.Unlock()
	versions := e.g.graphs[e.id]
	if len(versions) != version {
		e.t.Fatalf("got %d versions, want %d", len(versions), version)
	}
	var parts []string
	for _, n := range versions[version-1].Nodes {
		parts = append(parts, fmt.Sprintf("%v %v", n["type"], n["name"]))
	}
	for _, edge := range versions[version-1].Edges {
		parts = append(parts, fmt.Sprintf("%v %v %v", edge["from"], edge["type"], edge["to"]))
	}
	return parts
}

func (e *editor) click(selector string) {
	e.t.Helper()
	e.Run(chromedp.Click(chromedp.CSS(selector)))
}

// shown is the text of an element, which may be a drawn one.
func (e *editor) shown(selector string) string {
	e.t.Helper()
	e.AwaitTrue("(it) => document.querySelector(it) !== null", selector)
	text, err := chromedp.Run(e.Context, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).textContent", selector)))
	if err != nil {
		e.t.Fatal(err)
	}
	return text
}

// fill types over what an input holds.
func (e *editor) fill(selector, text string) {
	e.t.Helper()
	e.AwaitTrue(`(it) => { const input = document.querySelector(it); input?.focus(); input?.select(); return Boolean(input) }`, selector)
	if text == "" {
		text = "\b"
	}
	e.press(text)
}

// press sends keys to what has the focus.
func (e *editor) press(keys string, modifiers ...chromedp.Modifier) {
	e.t.Helper()
	e.Run(chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// tabTo presses Tab until what a selector names has the focus: so it can be reached.
func (e *editor) tabTo(selector string) {
	e.t.Helper()
	for range 80 {
		there, err := chromedp.Run(e.Context, chromedp.Evaluate[bool](fmt.Sprintf("document.activeElement.matches(%q)", selector)))
		if err != nil {
			e.t.Fatal(err)
		}
		if there {
			return
		}
		e.press("\t")
	}
	at, _ := chromedp.Run(e.Context, chromedp.Evaluate[string]("document.activeElement.outerHTML.slice(0, 200)"))
	e.t.Fatalf("Tab does not reach %s, and is at %s", selector, at)
}

// middle is where the middle of an element is on the screen.
func (e *editor) middle(selector string) (x, y float64) {
	e.t.Helper()
	// The drawing is fitted into its frame once that has its size.
	e.AwaitTrue(`(selector) => {
		const { x, y } = document.querySelector(selector)?.getBoundingClientRect() ?? {};
		const at = selector + " " + x + " " + y;
		window.still = window.stillAt === at && x !== undefined ? window.still + 1 : 0;
		window.stillAt = at;
		return window.still > 10;
	}`, selector)
	at, err := chromedp.Run(e.Context, chromedp.Evaluate[[]float64](fmt.Sprintf(
		`(({x, y, width, height}) => [x + width / 2, y + height / 2])(document.querySelector(%q).getBoundingClientRect())`, selector)))
	if err != nil {
		e.t.Fatal(err)
	}
	return at[0], at[1]
}

// drag moves the pointer, pressed, from the middle of one element to another's, and
// by some pixels more.
func (e *editor) drag(from, to string, dx, dy float64) {
	e.t.Helper()
	x, y := e.middle(from)
	toX, toY := e.middle(to)
	left := chromedp.ButtonType(input.MouseButtonLeft)
	e.Run(
		chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, left, chromedp.ClickCount(1)),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, (x+toX+dx)/2, (y+toY+dy)/2, left),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, toX+dx, toY+dy, left),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, toX+dx, toY+dy, left),
	)
}

const save = ".toolbar .primary"

// TestGraphByPointer builds a graph by mouse: add, connect, move, undo, save.
func TestGraphByPointer(t *testing.T) {
	t.Parallel()
	e := openEditor(t, "/graph")
	e.Await("Nothing is here yet")
	e.click(".add.is-service")
	e.click(".add.is-database")
	e.Await("2 nodes", "2 unsaved changes")
	e.drag("[data-port=service]", "[data-node=database]", 0, 0)
	e.Await("1 connection", "3 unsaved changes")
	e.drag("[data-port=database]", "[data-node=service]", 0, 0)
	e.AwaitTrue(`(word) => [...document.querySelectorAll("[role=status]")].some((it) => it.textContent.includes(word))`,
		"database cannot be connected to service")
	place := func() string {
		at, err := chromedp.Run(e.Context, chromedp.Evaluate[string](`document.querySelector("[data-node=database]").getAttribute("transform")`))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	before := place()
	e.drag("[data-node=database] .node-name", "[data-node=database] .node-name", 40, 90)
	moved := place()
	if moved == before {
		t.Errorf("the node is still at %s", before)
	}
	e.press("z", chromedp.ModifierCtrl)
	e.AwaitTrue(`(at) => document.querySelector("[data-node=database]").getAttribute("transform") === at`, before)
	e.press("z", chromedp.ModifierCtrl, chromedp.ModifierShift)
	e.AwaitTrue(`(at) => document.querySelector("[data-node=database]").getAttribute("transform") === at`, moved)
	e.click(save)
	want := []string{"service service", "database database", "service database database"}
	if got := e.saved(1); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	e.Run(chromedp.Reload())
	e.Await("2 nodes", "1 connection")
	if got := place(); got != moved {
		t.Errorf("after loading again: got the node at %s, want %s", got, moved)
	}
	e.click(".parts-list [data-item]")
	e.AwaitTrue("(it) => document.querySelector(it) !== null", "#node-name")
	e.click(".inspector .danger")
	e.AwaitGone("1 connection")
	e.click(save)
	if got, want := e.saved(2), []string{"database database"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	e.AssertNoConsoleErrors()
}

// TestGraphByKeyboard does all of it with no pointer: add, name, connect, move,
// delete, save.
func TestGraphByKeyboard(t *testing.T) {
	t.Parallel()
	e := openEditor(t, "/graph")
	e.Await("Nothing is here yet")
	e.tabTo(".add.is-queue")
	e.press("\r")
	e.AwaitTrue("(id) => document.activeElement.id === id", "node-name")
	e.fill("#node-name", "placed")
	e.tabTo(".add.is-service")
	e.press("\r")
	e.AwaitTrue("(id) => document.activeElement.id === id", "node-name")
	e.tabTo("#connect-to")
	e.tabTo(".connect .button")
	e.press("\r")
	e.Await("1 connection")
	e.press("\x1b")
	e.AwaitTrue("(id) => document.activeElement.dataset.id === id", "service") // where it was chosen
	e.tabTo("[data-node=service]")
	before, err := chromedp.Run(e.Context, chromedp.Evaluate[string](`document.activeElement.getAttribute("transform")`))
	if err != nil {
		t.Fatal(err)
	}
	e.Run(chromedp.KeyEvent(kb.ArrowDown))
	e.AwaitTrue(`(before) => document.activeElement.getAttribute("transform") !== before`, before)
	e.press("s", chromedp.ModifierCtrl)
	want := []string{"queue placed", "service service", "service kafka queue"}
	if got := e.saved(1); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	e.tabTo(".parts-list [data-item]")
	e.press("\r")
	e.tabTo(".inspector .danger")
	e.press("\r")
	e.AwaitGone("1 connection")
	e.press("s", chromedp.ModifierCtrl)
	if got, want := e.saved(2), []string{"service service"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	e.press("\x1b")
	e.Await("Change…") // of the project's overview
	e.AssertNoConsoleErrors()
}

// TestGraphMistakes finds what the page itself knows to be wrong, and what only the
// service does, at the node that is meant.
func TestGraphMistakes(t *testing.T) {
	t.Parallel()
	e := openEditor(t, "/graph?node=b", graphOf("service a", "service b"))
	name := func(text string) {
		t.Helper()
		e.fill("#node-name", text)
	}
	e.Await("2 nodes")
	name("a")
	e.Await("Another node is called a already.", "1 mistake")
	name("Not A Label")
	e.Await("Use 1 to 63 of a to z")
	name("refused")
	e.AwaitGone("mistake")
	e.click(save)
	e.Await("1 mistake")
	if got := e.Text("#node-name-error"); got != "the name is refused" {
		t.Errorf("got %q at the field, want what the service said", got)
	}
	if got := e.shown(".node.wrong"); !strings.HasPrefix(got, "refused") {
		t.Errorf("got the node %q marked, want refused", got)
	}
	name("fine")
	e.AwaitGone("mistake")
	e.Run(chromedp.SendKeys(chromedp.CSS("#node-config"), `{"a": `))
	e.Await("This is not a JSON object.")
	e.Run(chromedp.SendKeys(chromedp.CSS("#node-config"), `1}`))
	e.AwaitGone("This is not a JSON object.")
	e.click(save)
	if got, want := e.saved(2), []string{"service a", "service fine"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestGraphConflict has another client save while something was changed here.
func TestGraphConflict(t *testing.T) {
	t.Parallel()
	e := openEditor(t, "/graph", graphOf("service a"))
	e.Await("1 node")
	e.g.addGraph(e.id, graphOf("service a", "cache theirs"))
	e.Await("2 nodes", "Version 2") // nothing was changed here: it is followed
	e.click(".add.is-queue")
	e.Await("1 unsaved change")
	e.g.addGraph(e.id, graphOf("cache theirs"))
	e.Await("Changed by someone else: version 3", "queue queue", "service a", "Keep mine")
	e.click(".notice .button:not(.primary)")
	e.Await("1 node", "Version 3")
	e.press("z", chromedp.ModifierCtrl)
	e.Await("3 nodes")

	// Now the service itself refuses what is sent: it was changed in between.
	e.g.mu.Lock()
	e.g.graphs[e.id] = append(e.g.graphs[e.id], graphOf("service unheard"))
	e.g.mu.Unlock()
	e.click(save)
	e.Await("Changed by someone else: version 4", "service unheard")
	e.click(".notice .primary")
	want := []string{"service a", "cache theirs", "queue queue"}
	if got := e.saved(5); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	e.AwaitGone("Changed by someone else")
}

// TestGraphVersions looks at an earlier version, compares it and brings it back.
func TestGraphVersions(t *testing.T) {
	t.Parallel()
	e := openEditor(t, "/graph?version=2", graphOf("service a"), graphOf("service a", "database b", "a database b"), graphOf("service a"))
	e.Await("Version 2", "From version 1 to 2:", "database b", "a → b (database)")
	if got := e.shown(".node.added"); !strings.HasPrefix(got, "+ b") {
		t.Errorf("got the node %q marked as added, want b", got)
	}
	e.Run(chromedp.SetValue(chromedp.CSS("#compare-with"), "3"))
	e.AwaitTrue(`(it) => document.querySelector(it).dispatchEvent(new Event("change", {bubbles: true}))`, "#compare-with")
	e.Await("From version 2 to 3:")
	e.click(save)
	want := []string{"service a", "database b", "a database b"}
	if got := e.saved(4); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	e.AssertNoConsoleErrors()
}

// TestGraphFails cannot read the graph, says so and can when it is asked again.
func TestGraphFails(t *testing.T) {
	t.Parallel()
	e := openEditor(t, "")
	e.Await("1 project", "Change…") // the list and the project, which are two answers
	e.g.breakDown("no server answers")
	e.Run(chromedp.Click(chromedp.CSS(`.tab[href$="/graph"]`)))
	e.Await("The graph could not be read", "no server answers")
	e.g.breakDown("")
	e.click(".notice .button")
	e.Await("Nothing is here yet")
}

// TestGraphByTouch moves a node by finger, on a narrow screen.
func TestGraphByTouch(t *testing.T) {
	t.Parallel()
	e := openEditor(t, "", graphOf("service a", "service b"))
	_, err := chromedp.Call(e.Context, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	e.Run(chromedp.EmulateViewport(390, 844))
	e.Open(e.base + "/graph")
	e.Await("2 nodes")
	x, y := e.middle("[data-node=a]")
	for i := range 5 {
		kind, points := input.DispatchTouchEventTypeTouchMove, []*input.TouchPoint{{X: x + 20*float64(i), Y: y + 20*float64(i)}}
		if i == 0 {
			kind = input.DispatchTouchEventTypeTouchStart
		}
		e.touch(kind, points)
	}
	e.touch(input.DispatchTouchEventTypeTouchEnd, []*input.TouchPoint{})
	e.AwaitTrue(`(word) => [...document.querySelectorAll("[role=status]")].some((it) => it.textContent === word)`, "places not saved")
	if toX, toY := e.middle("[data-node=a]"); toX < x+40 || toY < y+40 {
		t.Errorf("got the node at %v, %v, want it to follow from %v, %v", toX, toY, x, y)
	}
}

func (e *editor) touch(kind input.DispatchTouchEventType, points []*input.TouchPoint) {
	e.t.Helper()
	if _, err := chromedp.Call(e.Context, input.DispatchTouchEvent,
		input.DispatchTouchEventParams{Type: kind, TouchPoints: points}); err != nil {
		e.t.Fatal(err)
	}
}
