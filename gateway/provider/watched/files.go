package watched

import (
	"iter"
	"maps"
	"time"
)

// Files are those that sources are read from, each as it was read last. They are not
// safe for concurrent use.
type Files struct {
	byPath map[string]*File
	added  []*File // since TakeAdded was called last
}

// NewFiles has none.
func NewFiles() *Files { return &Files{byPath: map[string]*File{}} }

// Open gives the file of an absolute path, and reads it the first time.
func (f *Files) Open(path string) *File {
	file := f.byPath[path]
	if file == nil {
		file = &File{Path: path}
		f.byPath[path] = file
		f.added = append(f.added, file)
		file.refresh(true, time.Now())
	}
	return file
}

// Known is the file of a path if it was opened, else nil.
func (f *Files) Known(path string) *File { return f.byPath[path] }

// All gives each file with its path.
func (f *Files) All() iter.Seq2[string, *File] { return maps.All(f.byPath) }

// TakeAdded gives the files that were opened first since the last call.
func (f *Files) TakeAdded() []*File {
	added := f.added
	f.added = nil
	return added
}

// Refresh reads the files in dirty, and those others that are wanted and look changed.
// It reports when to call it again for what is missing or empty for the moment, zero if
// nothing is.
func (f *Files) Refresh(dirty map[string]bool, wanted func(*File) bool) (again time.Duration) {
	now := time.Now()
	for path, file := range f.byPath {
		if !dirty[path] && !wanted(file) {
			continue
		}
		if wait := file.refresh(dirty[path], now); wait > 0 && (again == 0 || wait < again) {
			again = wait
		}
	}
	return again
}

// Retain drops the files that are not used any more.
func (f *Files) Retain(used map[string]bool) {
	for path := range f.byPath {
		if !used[path] {
			delete(f.byPath, path)
		}
	}
}
