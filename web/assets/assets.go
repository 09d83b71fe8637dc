// Package assets serves the files of the page.
package assets

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"axion/web/respond"
)

// IndexFile is the page; every address of the dashboard is the same page.
const IndexFile = "index.html"

// RoutesPage is where Traefik's dashboard leads.
const RoutesPage = "/routes"

// Handler serves the page's files. Browsers keep them and ask whether they have
// changed, which an entity tag over the content answers.
type Handler struct {
	Files fs.FS
}

func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		respond.Problem(w, http.StatusMethodNotAllowed, "pages are only read")
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if info, err := fs.Stat(h.Files, name); err != nil || info.IsDir() {
		// A name may hold a dot (/topics/axion.events), so that its ending does
		// not distinguish a page from a file. A browser sends what it accepts.
		if r.URL.Path != "/" && r.URL.Path != RoutesPage && !strings.Contains(r.Header.Get("Accept"), "text/html") {
			respond.Problem(w, http.StatusNotFound, "there is no such file")
			return
		}
		name = IndexFile
	}
	content, err := fs.ReadFile(h.Files, name)
	if err != nil {
		respond.Problem(w, http.StatusInternalServerError, "the file could not be read")
		return
	}
	digest := sha256.Sum256(content)
	header := w.Header()
	header.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(digest[:12])+`"`)
	header.Set("Cache-Control", "no-cache")
	header.Set("Content-Type", contentType(name))
	if name == IndexFile {
		header.Set("Content-Security-Policy", contentPolicy(content))
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// contentType does not ask the machine's MIME table for scripts: some tables
// call them text, and browsers refuse such modules.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".md", ".txt":
		return "text/plain; charset=utf-8"
	default:
		if known := mime.TypeByExtension(ext); known != "" {
			return known
		}
		return "application/octet-stream"
	}
}

// contentPolicy allows the dashboard's own files and nothing else. The import
// map is the one inline script, known by its hash.
func contentPolicy(index []byte) string {
	script := "'self'"
	if _, rest, ok := bytes.Cut(index, []byte(`<script type="importmap">`)); ok {
		if inline, _, ok := bytes.Cut(rest, []byte("</script>")); ok {
			digest := sha256.Sum256(inline)
			script += " 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"
		}
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src " + script,
		"style-src 'self'",
		"img-src 'self'",
		"connect-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}
