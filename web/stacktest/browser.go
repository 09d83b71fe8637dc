package stacktest

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// tabTimeout bounds what one test does in the browser.
const tabTimeout = 5 * time.Minute

// browserPath finds Chromium, or skips the test; AXION_REQUIRE_TOOLS=1 fails it.
func browserPath(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no browser in PATH: install chromium (or google-chrome) to run this test"
	if os.Getenv("AXION_REQUIRE_TOOLS") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// Tab is one page in a fresh browser, and what went wrong in it. A method that
// cannot do its work fails the test.
type Tab struct {
	// Context is what chromedp's own actions run in.
	Context context.Context
	// Close ends the browser before the test ends.
	Close func()
	t     testing.TB

	mu     sync.Mutex
	errors []string
}

// OpenTab starts Chromium, which the test's end stops. The test is skipped where
// there is none.
func OpenTab(t testing.TB) *Tab {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{},
		chromedp.ExecPath(browserPath(t)), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.WindowSize(1440, 900))
	for _, name := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(name, true))
	}
	ctx, cancel := context.WithTimeout(context.Background(), tabTimeout)
	t.Cleanup(cancel)
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancelAllocator)
	ctx, cancelTab := chromedp.NewContext(ctx)
	b := &Tab{Context: ctx, t: t}
	console := chromedp.Console(ctx)
	var reader sync.WaitGroup
	reader.Go(func() {
		for message, err := range console {
			if err != nil {
				return
			}
			b.note(message)
		}
	})
	b.Close = sync.OnceFunc(func() {
		cancelTab()
		reader.Wait()
	})
	t.Cleanup(b.Close)
	return b
}

// note keeps exceptions, console errors and what the browser itself complains
// of, such as a refused script.
func (b *Tab) note(m chromedp.ConsoleMessage) {
	if m.IsException() || m.Type == "error" || m.Type == "warning" {
		b.mu.Lock()
		b.errors = append(b.errors, m.String()+" "+m.URL)
		b.mu.Unlock()
	}
}

// AssertNoConsoleErrors fails the test for anything that went wrong in the page.
func (b *Tab) AssertNoConsoleErrors() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.errors {
		b.t.Errorf("page error: %s", text)
	}
}

// Run does chromedp's actions.
func (b *Tab) Run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.Context, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// Open loads an address.
func (b *Tab) Open(address string) {
	b.t.Helper()
	b.Run(chromedp.Navigate(address))
}

// Await waits until the page's text holds all of words.
func (b *Tab) Await(words ...string) {
	b.t.Helper()
	for _, word := range words {
		b.AwaitTrue("(word) => document.body.innerText.includes(word)", word)
	}
}

// AwaitGone waits until the page's text no longer holds word.
func (b *Tab) AwaitGone(word string) {
	b.t.Helper()
	b.AwaitTrue("(word) => !document.body.innerText.includes(word)", word)
}

// awaitTimeout bounds the wait for one thing on a page: the page's own pauses, such as
// that between two tries to connect, on a machine with much else to do.
const awaitTimeout = time.Minute

// AwaitTrue waits until a JavaScript function of word is true.
func (b *Tab) AwaitTrue(predicate, word string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Context, awaitTimeout)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.PollFunction[bool](predicate, chromedp.WithPollingTimeout(0), chromedp.WithPollingArgs(word)))
	if err != nil {
		b.AssertNoConsoleErrors()
		b.t.Fatalf("%s never held for %q: %v\n%s", predicate, word, err, b.Text("body"))
	}
}

// Text is what the element of a CSS selector shows.
func (b *Tab) Text(selector string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.Context, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}
