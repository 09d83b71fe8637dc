package stacktest

import (
	"net/url"
	"os"
	"slices"
	"sync"

	"axion/web/loopback"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Themes that a page is seen in.
const (
	Light = "light"
	Dark  = "dark"
)

// Show sizes the page, in CSS pixels, and has the system prefer a theme, with
// motion reduced: what is looked at stands still.
func (b *Tab) Show(width, height int64, theme string) {
	b.t.Helper()
	b.Run(chromedp.EmulateViewport(width, height))
	_, err := chromedp.Call(b.Context, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// AssertNoOverflow fails the test where the page is wider than the screen. where names the
// page in the failure.
func (b *Tab) AssertNoOverflow(where string, width int64) {
	b.t.Helper()
	wide, err := chromedp.Run(b.Context,
		chromedp.Evaluate[int64]("Math.max(document.documentElement.scrollWidth, document.querySelector('main').scrollWidth)"))
	if err != nil {
		b.t.Fatal(err)
	}
	if wide > width {
		b.t.Errorf("%s is %d px wide on a screen of %d", where, wide, width)
	}
}

// DisableCache has the browser keep nothing of what it loads from now on, or keep it again.
func (b *Tab) DisableCache(all bool) {
	b.t.Helper()
	if _, err := chromedp.Call(b.Context, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: all}); err != nil {
		b.t.Fatal(err)
	}
}

// Transferred is how many bytes the page and all that it has loaded so far took on
// the wire, compressed. What the browser had already counts nothing.
func (b *Tab) Transferred() int {
	b.t.Helper()
	bytes, err := chromedp.Run(b.Context, chromedp.Evaluate[int](
		`[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].reduce((n, e) => n + e.encodedBodySize, 0)`))
	if err != nil {
		b.t.Fatal(err)
	}
	return bytes
}

// Screenshot writes what the page shows to a WebP file.
func (b *Tab) Screenshot(file string) {
	b.t.Helper()
	quality := int64(90)
	shot, err := chromedp.Call(b.Context, page.CaptureScreenshot,
		page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: &quality})
	if err == nil {
		err = os.WriteFile(file, shot.Data, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// ExternalRequests notes from now on which requests leave this machine, and gives them
// when it is called.
func (b *Tab) ExternalRequests() func() []string {
	b.t.Helper()
	var mu sync.Mutex
	var outside []string
	err := chromedp.Listen(b.Context, func(event any) {
		sent, ok := event.(*network.EventRequestWillBeSent)
		if !ok || local(sent.Request.URL) {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		outside = append(outside, sent.Request.URL)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(outside)
	}
}

// local reports whether an address is on this machine, or in the page itself.
func local(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	return u.Scheme == "data" || u.Scheme == "blob" || loopback.Host(u.Host)
}
