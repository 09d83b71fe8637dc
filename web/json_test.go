package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"axion/web/stacktest"
)

// showJSON puts the JSON part alone on the page.
func showJSON(t *testing.T, b *stacktest.Tab, value string) {
	t.Helper()
	script := fmt.Sprintf(`Promise.all([import("preact"), import("/js/html.js"), import("/js/parts/json.js")]).then(([{ render }, { html }, { Json }]) => {
		document.body.innerHTML = '<main id="json"></main>';
		render(html`+"`<${Json} value=${%s} open=${1} />`"+`, document.getElementById("json"));
		return true;
	})`, value)
	if _, err := chromedp.Run(b.Context, chromedp.Evaluate[bool](script, chromedp.EvalAwaitPromise)); err != nil {
		t.Fatal(err)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", nil))
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/")
	b.Await("no parts yet")

	t.Run("OKFolded", func(t *testing.T) {
		showJSON(t, b, `'{"id": 12345678901234567890, "price": 1.50, "in": {"name": "tea", "of": [1, 2, 3]}, "no": null, "none": [], "<b>": "<img src=x>"}'`)
		b.Await("12345678901234567890", `"price": 1.5`, `"in": {2 fields}`, `"no": null`, `"none": []`, `"<b>": "<img src=x>"`)
		if text := b.Text("#json"); strings.Contains(text, "tea") {
			t.Errorf("got %s, want what is below the first level folded", text)
		}
		b.Run(chromedp.Click(chromedp.CSS(`[aria-label="Unfold in"]`)))
		b.Await(`"name": "tea"`, `"of": [3 items]`)
	})
	t.Run("OKSearched", func(t *testing.T) {
		b.Run(chromedp.SendKeys(chromedp.CSS(".json-search"), "TEA"))
		b.Await("1 match", `"name": "tea"`)
		b.AwaitGone("price")
		b.AwaitTrue("(text) => document.querySelector('mark').innerText === text", "tea")
		b.Run(chromedp.SendKeys(chromedp.CSS(".json-search"), "x"))
		b.Await("no match")
	})
	t.Run("OKMany", func(t *testing.T) {
		showJSON(t, b, `JSON.stringify(Array.from({ length: 5000 }, (_, i) => "row " + i))`)
		b.Await(`"row 99"`, "… 4,900 more")
		b.AwaitGone("row 100")
	})
	t.Run("OKLong", func(t *testing.T) {
		showJSON(t, b, `{ long: "x".repeat(20000) + "end" }`)
		b.Await("… show all 20.0 KB")
		b.AwaitGone("end")
		b.Run(chromedp.Click(chromedp.CSS("li .json-more")))
		b.Await("xend")
	})
	t.Run("OKDeep", func(t *testing.T) { // more than a browser draws: as it came
		for _, depth := range []string{"600", "3000"} {
			showJSON(t, b, `"[".repeat(`+depth+`) + "7" + "]".repeat(`+depth+`)`)
			b.AwaitTrue("(text) => document.querySelector('.json-text')?.innerText.includes(text)", "[7]")
		}
	})
	t.Run("OKText", func(t *testing.T) {
		showJSON(t, b, `"<script>document.title='owned'</script> " + "y".repeat(5000)`)
		b.Await("<script>", "… show all 5.0 KB")
	})
	b.AssertNoConsoleErrors()
}
