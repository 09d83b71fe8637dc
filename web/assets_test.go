package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"axion/web/assets"
)

func TestAssets(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", nil))

	tests := []struct {
		name, method, path, accept string
		status                     int
		contentType                string
	}{
		{"OK", "GET", "/", "*/*", 200, "text/html; charset=utf-8"},
		{"OKPage", "GET", "/routes", "text/html", 200, "text/html; charset=utf-8"},
		{"OKPageFollowed", "GET", "/routes", "*/*", 200, "text/html; charset=utf-8"}, // by curl -L from /dashboard/
		{"OKPageWithDots", "GET", "/topics/axion.graph-service.dlq", "text/html,*/*", 200, "text/html; charset=utf-8"},
		{"OKFolderIsPage", "GET", "/vendor", "text/html", 200, "text/html; charset=utf-8"},
		{"OKModule", "GET", "/js/main.js", "*/*", 200, "text/javascript; charset=utf-8"},
		{"OKVendor", "GET", "/vendor/preact.js", "*/*", 200, "text/javascript; charset=utf-8"},
		{"OKStyle", "GET", "/css/tokens.css", "text/css", 200, "text/css; charset=utf-8"},
		{"OKIcon", "GET", "/icon.svg", "image/*", 200, "image/svg+xml"},
		{"OKLicence", "GET", "/vendor/licences/preact.txt", "*/*", 200, "text/plain; charset=utf-8"},
		{"ErrNoFile", "GET", "/js/none.js", "*/*", 404, "application/problem+json"},
		{"ErrOutside", "GET", "/js/%2e%2e/%2e%2e/dashboard.yaml", "*/*", 404, "application/problem+json"},
		{"ErrNoEndpoint", "GET", "/api/none", "text/html", 404, "application/problem+json"},
		{"ErrMethod", "PUT", "/", "*/*", 405, "application/problem+json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, body := s.call(t, tt.method, tt.path, "", map[string]string{"Accept": tt.accept})
			if res.StatusCode != tt.status || res.Header.Get("Content-Type") != tt.contentType {
				t.Errorf("got %d %q, want %d %q: %.80s", res.StatusCode, res.Header.Get("Content-Type"), tt.status, tt.contentType, body)
			}
		})
	}
	t.Run("OKUnchanged", func(t *testing.T) {
		t.Parallel()
		first, _ := s.call(t, "GET", "/js/main.js", "", nil)
		again, body := s.call(t, "GET", "/js/main.js", "", map[string]string{"If-None-Match": first.Header.Get("ETag")})
		if again.StatusCode != 304 || body != "" {
			t.Errorf("got %d with %d bytes, want 304 with none", again.StatusCode, len(body))
		}
	})
	t.Run("OKTraefiksDashboard", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/dashboard", "/dashboard/", "/dashboard/x"} {
			if res, _ := s.call(t, "GET", path, "", map[string]string{"Accept": "text/html"}); res.StatusCode != 302 ||
				res.Header.Get("Location") != assets.RoutesPage {
				t.Errorf("%s: got %d to %q, want the page of routes", path, res.StatusCode, res.Header.Get("Location"))
			}
		}
	})
	t.Run("OKPolicy", func(t *testing.T) {
		t.Parallel()
		res, page := s.call(t, "GET", "/", "", nil)
		_, rest, _ := strings.Cut(page, `<script type="importmap">`)
		inline, _, _ := strings.Cut(rest, "</script>")
		digest := sha256.Sum256([]byte(inline))
		want := "script-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "';"
		if got := res.Header.Get("Content-Security-Policy"); !strings.Contains(got, want) || strings.Contains(got, "unsafe") {
			t.Errorf("got policy %q, want %q in it and nothing unsafe", got, want)
		}
	})
}

// TestVendor keeps vendored files what vendor.json says they are.
func TestVendor(t *testing.T) {
	t.Parallel()
	files := os.DirFS("../embed/dashboard/vendor")
	manifest, err := fs.ReadFile(files, "vendor.json")
	if err != nil {
		t.Fatal(err)
	}
	var entries []struct{ File, Name, Version, SHA256, Licence, LicenceFile string }
	if err := json.Unmarshal(manifest, &entries); err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, e := range entries {
		known = append(known, e.File)
		content, err := fs.ReadFile(files, e.File)
		if err != nil {
			t.Error(err)
			continue
		}
		digest := sha256.Sum256(content)
		if got := hex.EncodeToString(digest[:]); got != e.SHA256 {
			t.Errorf("%s: got sha256 %s, want %s", e.File, got, e.SHA256)
		}
		if _, err := fs.Stat(files, e.LicenceFile); err != nil {
			t.Errorf("%s: %v", e.File, err)
		}
		if e.Name == "" || e.Version == "" || (e.Licence != "MIT" && e.Licence != "Apache-2.0") {
			t.Errorf("%s: got name %q, version %q, licence %q", e.File, e.Name, e.Version, e.Licence)
		}
	}
	present, err := fs.Glob(files, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range present {
		if path.Ext(name) == ".js" && !slices.Contains(known, name) {
			t.Errorf("%s is not in vendor.json", name)
		}
	}
}
