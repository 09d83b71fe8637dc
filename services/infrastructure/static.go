package infrastructure

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"axion/services/contract"
)

// site serves one project's static files on a loopback port. Which folder it
// serves can change while it runs; the port stays.
type site struct {
	listener net.Listener
	server   *http.Server
	started  time.Time
	root     atomic.Pointer[root]
}

type root struct {
	dir   *os.Root // refuses paths that lead out, by symlink or ".."
	files fs.FS
}

// listen starts a site on port, or on a free one where port is 0 or taken.
func listen(port int, log *slog.Logger) (*site, error) {
	l, err := listenFree(port)
	if err != nil {
		return nil, fmt.Errorf("start site: %w", err)
	}
	s := &site{listener: l, started: time.Now()}
	s.server = &http.Server{
		Handler: s, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 120 * time.Second, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	go func() {
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("site ended", "address", l.Addr().String(), "error", err)
		}
	}()
	return s, nil
}

func (s *site) port() int { return s.listener.Addr().(*net.TCPAddr).Port }

func (s *site) status() status { return status{state: contract.StateRunning, started: s.started} }

// serve switches to another folder. A folder without an index.html of its own
// is served from its "public" folder.
func (s *site) serve(folder string) error {
	dir, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("serve site: %w", err)
	}
	next := &root{dir: dir, files: dir.FS()}
	if _, err := fs.Stat(next.files, "index.html"); err != nil {
		if next.files, err = fs.Sub(next.files, "public"); err != nil {
			return errors.Join(fmt.Errorf("serve site: %w", err), dir.Close())
		}
	}
	// The old root is not closed here: requests under way still read from it. Its
	// handle is freed with the last of them, when os.Root is collected.
	s.root.Store(next)
	return nil
}

// ServeHTTP answers GET and HEAD from the folder, with the project's 404.html
// where there is one.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	files := s.root.Load().files
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache") // the next deployment shows at once
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" {
		name = "."
	}
	if !servable(files, name) {
		page, err := fs.ReadFile(files, "404.html")
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write(page)
		return
	}
	http.FileServerFS(files).ServeHTTP(w, r)
}

// servable reports whether name is a file, or a folder with a page of its own:
// folders are not listed.
func servable(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	if err == nil && info.IsDir() {
		info, err = fs.Stat(files, path.Join(name, "index.html"))
	}
	return err == nil && !info.IsDir()
}

func (s *site) close() {
	_ = s.server.Close()
	if r := s.root.Load(); r != nil {
		_ = r.dir.Close()
	}
}
