package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
)

// Binaries are where PostgreSQL's programs are looked for. The zero value looks on this
// machine and fetches nothing.
type Binaries struct {
	// Cache is where fetched programs are kept; empty fetches none.
	Cache string
	// Repository is the Maven repository to fetch from; empty means Maven's central one.
	Repository string
	// Progress is called with how much is there of how many bytes; nil for nobody. Total is -1
	// where the repository does not say.
	Progress func(done, total int64)
}

// UserBinaries are the programs of this machine, and else those that are fetched into
// the user's cache directory. Without such a directory none are fetched.
func UserBinaries() Binaries {
	dir, err := os.UserCacheDir()
	if err != nil {
		return Binaries{}
	}
	return Binaries{Cache: filepath.Join(dir, "axion")}
}

// Found is a folder with PostgreSQL's programs.
type Found struct {
	Dir   string
	Major int
	// Instead is why it is not the version that was asked for; nil where it is.
	Instead error
}

// Find finds the programs of a major version: on this machine, in the cache, or by
// fetching them. If there is no such version, another one of this machine is better
// than none: the newest. Major 0 is any.
func (b Binaries) Find(ctx context.Context, major int) (Found, error) {
	local := onMachine(ctx)
	for _, found := range local {
		if found.Major == major || major == 0 {
			return found, nil
		}
	}
	found, err := b.fetch(ctx, major)
	switch {
	case err == nil:
		return found, nil
	case len(local) > 0:
		newest := local[0]
		newest.Instead = err
		return newest, nil
	}
	return Found{}, hintError{
		fmt.Errorf("no PostgreSQL is on this machine, and it could not be fetched: %w", err),
		"install it (apt install postgresql, brew install postgresql), or run axion fetch once with a network",
	}
}

// folders are where distributions put the programs, the PATH apart.
var folders = map[string][]string{
	"linux":   {"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin"},
	"darwin":  {"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin", "/Applications/Postgres.app/Contents/Versions/*/bin"},
	"windows": {`C:\Program Files\PostgreSQL\*\bin`},
}

// onMachine lists what is installed, the newest first.
func onMachine(ctx context.Context) []Found {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	for _, pattern := range folders[runtime.GOOS] {
		found, _ := filepath.Glob(pattern) // its one error is of the pattern
		dirs = append(dirs, found...)
	}
	slices.Sort(dirs)
	var all []Found
	for _, dir := range slices.Compact(dirs) {
		if major, err := version(ctx, dir); err == nil {
			all = append(all, Found{Dir: dir, Major: major})
		}
	}
	slices.SortStableFunc(all, func(a, b Found) int { return b.Major - a.Major })
	return all
}

var versionLine = regexp.MustCompile(`\) (\d+)`)

// version asks the programs of a folder for their major version. Without initdb, as in
// packages of clients, they are of no use.
func version(ctx context.Context, dir string) (int, error) {
	if _, err := exec.LookPath(filepath.Join(dir, "initdb")); err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "-V").Output()
	if err != nil {
		return 0, err
	}
	match := versionLine.FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("%s says %q of itself", dir, out)
	}
	return strconv.Atoi(string(match[1]))
}

// errNoFetch is the error where nothing shall be fetched.
var errNoFetch = errors.New("fetching is off")

// cached is where the programs of a major version are kept.
func (b Binaries) cached(major int) string {
	return filepath.Join(b.Cache, "postgres-"+strconv.Itoa(major))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
