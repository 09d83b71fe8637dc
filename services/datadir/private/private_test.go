//go:build unix

package private_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"axion/services/clustertest"
	"axion/services/datadir/private"
)

// TestCheck looks at every kind of folder, and at one above what is looked at.
func TestCheck(t *testing.T) {
	t.Parallel()
	root := clustertest.PrivateDir(t)
	folder := func(name string, mode os.FileMode) string {
		t.Helper()
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, "a", "b")
	}
	link := filepath.Join(root, "link")
	if err := os.Symlink(folder("target", 0o777), link); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ dir, above string }{
		"OK":           {folder("own", 0o700), ""},
		"OKReadable":   {folder("readable", 0o755), ""},
		"OKMissing":    {filepath.Join(folder("early", 0o700), "not", "yet"), ""},
		"ErrOthers":    {folder("open", 0o777), "open"},
		"ErrSticky":    {folder("sticky", 0o777|os.ModeSticky), "sticky"},
		"ErrWriteOnly": {folder("in", 0o703), "in"},
		"ErrMissing":   {filepath.Join(folder("late", 0o777), "not", "yet"), "late"},
		"ErrLink":      {link, "target"},
		"ErrItself":    {filepath.Dir(filepath.Dir(folder("self", 0o777))), "self"},
	} {
		err := private.Check(tt.dir)
		var exposed *private.ExposedError
		switch {
		case tt.above == "" && err != nil:
			t.Errorf("%s: got %v", name, err)
		case tt.above != "" && (!errors.As(err, &exposed) ||
			exposed.Above != filepath.Join(root, tt.above) || exposed.Dir != tt.dir || exposed.Hint() == ""):
			t.Errorf("%s: got %v, want %s named", name, err, tt.above)
		}
	}
}

// TestOwner: what is another user's may be changed by it whatever its mode, and a group
// is others but for root's and the owner's own.
func TestOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		clustertest.Missing(t, "root", "run the test as root, who may give folders away")
	}
	root := clustertest.PrivateDir(t)
	for name, tt := range map[string]struct {
		uid, gid int
		mode     os.FileMode
		owned    bool
		private  bool
	}{
		"own":          {0, 0, 0o700, true, true},
		"root's group": {0, 0, 0o770, true, true},
		"a group":      {0, 4711, 0o770, true, false},
		"another":      {4711, 4711, 0o700, false, false},
	} {
		dir := filepath.Join(root, name)
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, tt.uid, tt.gid), os.Chmod(dir, tt.mode)); err != nil {
			t.Fatal(err)
		}
		if err := private.Owned(dir); (err == nil) != tt.owned {
			t.Errorf("%s, owned: got %v", name, err)
		}
		if err := private.Check(filepath.Join(dir, "in")); (err == nil) != tt.private {
			t.Errorf("%s, private: got %v", name, err)
		}
	}
	if err := private.Owned(filepath.Join(root, "missing")); err != nil {
		t.Errorf("missing: got %v", err)
	}
}
