package postgres

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"
	"github.com/gofrs/flock"
)

// mavenCentral has the programs, built for each system.
const mavenCentral = "https://repo1.maven.org/maven2"

// connectTimeout bounds the wait for the repository: without a network a stack shall not
// stand still.
const connectTimeout = 5 * time.Second

// versions are the ones that are fetched of each major.
var versions = map[int]embedded.PostgresVersion{
	18: embedded.V18, 17: embedded.V17, 16: embedded.V16, 15: embedded.V15, 14: embedded.V14, 13: embedded.V13,
}

// fetch brings a version's programs into the cache, once.
func (b Binaries) fetch(ctx context.Context, major int) (Found, error) {
	if b.Cache == "" {
		return Found{}, errNoFetch
	}
	if major == 0 {
		major = 18
	}
	release, ok := versions[major]
	if !ok {
		majors := slices.Sorted(maps.Keys(versions))
		return Found{}, fmt.Errorf("there is no PostgreSQL %d to fetch: %d to %d can be had", major, majors[0], majors[len(majors)-1])
	}
	if err := os.MkdirAll(b.Cache, 0o700); err != nil {
		return Found{}, err
	}
	lock := flock.New(b.cached(major) + ".lock")
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return Found{}, err
	}
	defer func() { _ = lock.Unlock() }()
	dir := filepath.Join(b.cached(major), "bin")
	if !exists(dir) {
		if err := b.extract(ctx, release, major); err != nil {
			return Found{}, err
		}
	}
	got, err := version(ctx, dir)
	return Found{Dir: dir, Major: got}, err
}

// extract has the library fetch the programs, check their sum and unpack them. It goes on
// to start a server, on a data directory with which none starts: ours is started apart.
func (b Binaries) extract(ctx context.Context, release embedded.PostgresVersion, major int) error {
	work, err := os.MkdirTemp(b.Cache, "fetch-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	data := filepath.Join(work, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(strconv.Itoa(major)), 0o600); err != nil {
		return err
	}
	r := &relay{from: cmp.Or(b.Repository, mavenCentral), progress: b.Progress}
	at, stop, err := r.serve(ctx)
	if err != nil {
		return err
	}
	defer stop()
	port, err := freePort()
	if err != nil {
		return err
	}
	programs := filepath.Join(work, "programs")
	started := embedded.NewDatabase(embedded.DefaultConfig().Version(release).Port(port).BinaryRepositoryURL(at).
		CachePath(filepath.Join(work, "archive")).BinariesPath(programs).RuntimePath(filepath.Join(work, "run")).DataPath(data).
		Logger(io.Discard)).Start()
	if !exists(filepath.Join(programs, "bin")) {
		if err := r.failure(); err != nil {
			return err // what the library says is of the relay
		}
		return started
	}
	return os.Rename(programs, b.cached(major))
}

func freePort() (uint32, error) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return uint32(l.Addr().(*net.TCPAddr).Port), nil
}

// relay stands between the library and the repository: it bounds the wait, ends with a
// context, counts what has come, and takes no archive without its sum.
type relay struct {
	from     string
	progress func(done, total int64)

	mu     sync.Mutex
	failed error
}

// failure is why the last archive did not come; nil where it did.
func (r *relay) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// serve listens until stop is called.
func (r *relay) serve(ctx context.Context) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout: connectTimeout, ResponseHeaderTimeout: 6 * connectTimeout,
	}
	server := &http.Server{
		ReadHeaderTimeout: connectTimeout,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if err := r.pass(ctx, transport, w, req.URL.Path); err != nil {
				r.mu.Lock()
				r.failed = err
				r.mu.Unlock()
				panic(http.ErrAbortHandler) // the archive is not whole
			}
		}),
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	return "http://" + l.Addr().String(), func() {
		_ = server.Close()
		<-done
		transport.CloseIdleConnections()
	}, nil
}

func (r *relay) pass(ctx context.Context, transport http.RoundTripper, w http.ResponseWriter, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(r.from, "/")+path, nil)
	if err != nil {
		return err
	}
	answer, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", req.URL, answer.Status)
	}
	out := io.Writer(w)
	if r.progress != nil && !strings.HasSuffix(path, ".sha256") {
		out = &counter{Writer: w, total: answer.ContentLength, progress: r.progress}
	}
	_, err = io.Copy(out, answer.Body)
	return err
}

type counter struct {
	io.Writer
	done, total int64
	progress    func(done, total int64)
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.done += int64(n)
	c.progress(c.done, c.total)
	return n, err
}
