package watch

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

const ignoreFile = ".gitignore"

// maxIgnore bounds a .gitignore, in bytes.
const maxIgnore = 1 << 20

// always are names that are never watched.
var always = []string{".git", "node_modules", ".axion"}

// ignore is what git leaves out of a tree.
type ignore struct {
	root     string   // the repository's, or that of what is watched
	below    []string // of what is watched, below root
	patterns []gitignore.Pattern
	loaded   map[string]bool // directories
	matcher  gitignore.Matcher
}

// newIgnore reads what lies above the root, up to that of the repository, and at the root.
func newIgnore(root string) *ignore {
	i := &ignore{root: root, loaded: map[string]bool{}, matcher: gitignore.NewMatcher(nil)}
	for dir := root; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil && dir != root {
			i.root = dir
			for _, name := range between(dir, root) {
				i.load(name)
			}
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	i.below = i.parts(root)
	i.load(root)
	return i
}

// between lists the directories from one down to another, which is left out.
func between(top, bottom string) []string {
	var all []string
	for dir := filepath.Dir(bottom); ; dir = filepath.Dir(dir) {
		all = append(all, dir)
		if dir == top {
			slices.Reverse(all)
			return all
		}
	}
}

// load reads a directory's .gitignore, once.
func (i *ignore) load(dir string) {
	if i.loaded[dir] {
		return
	}
	i.loaded[dir] = true
	path := filepath.Join(dir, ignoreFile)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > maxIgnore {
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return
	}
	domain := i.parts(dir)
	for line := range bytes.Lines(data) {
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		i.patterns = append(i.patterns, gitignore.ParsePattern(text, domain))
	}
	i.matcher = gitignore.NewMatcher(i.patterns)
}

// parts are the names of a path below the repository's root.
func (i *ignore) parts(path string) []string {
	name, err := filepath.Rel(i.root, path)
	if err != nil || name == "." {
		return nil
	}
	return strings.Split(filepath.ToSlash(name), "/")
}

// skips says whether a path below what is watched is left out.
func (i *ignore) skips(name string, isDir bool) bool {
	parts := strings.Split(name, "/")
	if slices.ContainsFunc(parts, func(part string) bool { return slices.Contains(always, part) }) {
		return true
	}
	return i.matcher.Match(slices.Concat(i.below, parts), isDir)
}
