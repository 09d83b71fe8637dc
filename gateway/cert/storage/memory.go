package storage

import (
	"context"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
)

// filesPerCertificate is how many keys certmagic stores for one certificate.
const filesPerCertificate = 3

// memory keeps certificates for the life of the process. At its limit it
// forgets all: those in use are in certmagic's cache as well.
type memory struct {
	locks
	limit int

	mu    sync.Mutex
	files map[string]file
}

type file struct {
	data     []byte
	modified time.Time
}

var _ certmagic.Storage = (*memory)(nil)

func newMemory(certificates int) *memory {
	return &memory{
		limit: certificates * filesPerCertificate,
		files: make(map[string]file),
	}
}

func (m *memory) Store(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.files[key]; !known && len(m.files) >= m.limit {
		clear(m.files)
	}
	m.files[key] = file{append([]byte(nil), value...), time.Now()}
	return nil
}

func (m *memory) Load(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.files[key]
	if !ok {
		return nil, notExist(key)
	}
	return append([]byte(nil), f.data...), nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k := range m.files {
		if k == key || strings.HasPrefix(k, key+"/") {
			delete(m.files, k)
		}
	}
	return nil
}

func (m *memory) Exists(ctx context.Context, key string) bool {
	_, err := m.Stat(ctx, key)
	return err == nil
}

func (m *memory) List(_ context.Context, dir string, recursive bool) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := make(map[string]bool)
	for k := range m.files {
		rest, ok := strings.CutPrefix(k, dir+"/")
		if !ok {
			continue
		}
		if name, _, deeper := strings.Cut(rest, "/"); deeper && !recursive {
			k = path.Join(dir, name)
		}
		seen[k] = true
	}
	if len(seen) == 0 {
		return nil, notExist(dir)
	}
	keys := make([]string, 0, len(seen))
	for k := range seen {
		keys = append(keys, k)
	}
	return keys, nil
}

func (m *memory) Stat(_ context.Context, key string) (certmagic.KeyInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.files[key]; ok {
		return certmagic.KeyInfo{Key: key, Modified: f.modified, Size: int64(len(f.data)), IsTerminal: true}, nil
	}
	for k := range m.files {
		if strings.HasPrefix(k, key+"/") {
			return certmagic.KeyInfo{Key: key}, nil
		}
	}
	return certmagic.KeyInfo{}, notExist(key)
}

func notExist(key string) error {
	return &fs.PathError{Op: "load", Path: key, Err: fs.ErrNotExist}
}
