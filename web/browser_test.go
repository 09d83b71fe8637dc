package web

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browserPath finds Chromium, or skips the test; AXION_REQUIRE_TOOLS=1 fails it.
func browserPath(t *testing.T) string {
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

// tab is one page in a fresh browser, and what went wrong in it.
type tab struct {
	ctx context.Context
	t   *testing.T

	mu     sync.Mutex
	errors []string
}

func openTab(t *testing.T) *tab {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{},
		chromedp.ExecPath(browserPath(t)), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.WindowSize(1440, 900))
	for _, name := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(name, true))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancelAllocator)
	ctx, cancelTab := chromedp.NewContext(ctx)
	b := &tab{ctx: ctx, t: t}
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
	t.Cleanup(func() {
		cancelTab()
		reader.Wait()
	})
	return b
}

// note keeps exceptions, console errors and what the browser itself complains
// of, such as a refused script.
func (b *tab) note(m chromedp.ConsoleMessage) {
	if m.IsException() || m.Type == "error" || m.Type == "warning" {
		b.mu.Lock()
		b.errors = append(b.errors, m.String()+" "+m.URL)
		b.mu.Unlock()
	}
}

// quiet fails the test for anything that went wrong in the page.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.errors {
		b.t.Errorf("page error: %s", text)
	}
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) open(address string) {
	b.t.Helper()
	b.run(chromedp.Navigate(address))
}

// await waits until the page's text holds all of words.
func (b *tab) await(words ...string) {
	b.t.Helper()
	for _, word := range words {
		b.awaitTrue("(word) => document.body.innerText.includes(word)", word)
	}
}

// awaitGone waits until the page's text no longer holds word.
func (b *tab) awaitGone(word string) {
	b.t.Helper()
	b.awaitTrue("(word) => !document.body.innerText.includes(word)", word)
}

func (b *tab) awaitTrue(predicate, word string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 15*time.Second)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.PollFunction[bool](predicate, chromedp.WithPollingArgs(word)))
	if err != nil {
		b.quiet()
		b.t.Fatalf("%s never held for %q: %v\n%s", predicate, word, err, b.text("body"))
	}
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}
