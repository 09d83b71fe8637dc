package cert

import (
	"os"
	"time"

	"axion/gateway/certfile"
	"axion/gateway/config"
	"axion/gateway/steady"
)

// refreshPause is how often files are looked at, at most.
const refreshPause = time.Second

// fileStamp distinguishes a file from what it was; nil where there is none. A file put in the
// place of another may have its size and, within the clock's grain, its time.
type fileStamp struct{ os.FileInfo }

func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{info}
}

func (s fileStamp) same(as fileStamp) bool {
	if s.FileInfo == nil || as.FileInfo == nil {
		return s.FileInfo == as.FileInfo
	}
	return os.SameFile(s.FileInfo, as.FileInfo) && s.ModTime().Equal(as.ModTime()) && s.Size() == as.Size()
}

// note remembers how the files of a pair are, before they are read.
func (f *files) note(k config.KeyPair) {
	for _, path := range []string{k.CertFile, k.KeyFile} {
		if path != "" && !certfile.IsPEM(path) {
			f.stamps[path] = stampOf(path)
		}
	}
}

// changed reports whether a file is not what it was when it was read.
func (f *files) changed() bool {
	for path, was := range f.stamps {
		if !was.same(stampOf(path)) {
			return true
		}
	}
	return false
}

// refresh reads the user's certificates anew where their files have changed, as a
// renewal does it. A handshake calls it: nothing has to run in between, and an editor
// or a tool may replace the files as it likes. What cannot be read stays as it was.
func (a *Authority) refresh() {
	now, last := steady.Now().UnixNano(), a.looked.Load()
	if now-last < int64(refreshPause) || !a.looked.CompareAndSwap(last, now) || !a.applying.TryLock() {
		return
	}
	defer a.applying.Unlock()
	if !a.files.changed() {
		return
	}
	next := *a.state.Load()
	var r report
	next.pairs, next.fallback = a.files.load(next.settings.TLS, &r)
	a.state.Store(&next)
	a.log.Info("certificates read anew: their files have changed")
	for _, p := range r.problems {
		a.log.Warn(p.Error(), p.Attrs()...)
	}
}

// refreshed is the state in force, once the certificates are as their files are.
func (a *Authority) refreshed() *state {
	a.refresh()
	return a.state.Load()
}
