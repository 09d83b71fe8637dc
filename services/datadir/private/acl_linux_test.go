package private_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"axion/services/clustertest"
	"axion/services/datadir/private"
)

// entry is one of an access control list: its tag, permissions and id.
type entry struct {
	tag, rights uint16
	id          uint32
}

// TestACL: who may write by an access control list is another, though the mode's group is
// the owner's own; what the mask takes away does not count.
func TestACL(t *testing.T) {
	t.Parallel()
	const user, group, mask, nobody, none = 0x02, 0x08, 0x10, 4711, ^uint32(0)
	root := clustertest.PrivateDir(t)
	for name, tt := range map[string]struct {
		named, mask entry
		want        string
	}{
		"OKReads":  {entry{user, 5, nobody}, entry{mask, 7, none}, ""},
		"OKMasked": {entry{user, 7, nobody}, entry{mask, 5, none}, ""},
		"OKOwn":    {entry{user, 7, uint32(os.Geteuid())}, entry{mask, 7, none}, ""},
		"OKRoot":   {entry{group, 7, 0}, entry{mask, 7, none}, ""},
		"ErrUser":  {entry{user, 7, nobody}, entry{mask, 7, none}, "user 4711"},
		"ErrGroup": {entry{group, 3, nobody}, entry{mask, 7, none}, "group 4711"},
	} {
		dir := filepath.Join(root, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		list := []entry{{0x01, 7, none}, {0x04, 5, none}, tt.named, tt.mask, {0x20, 0, none}}
		if tt.named.tag == user {
			list[1], list[2] = list[2], list[1] // in the order of their tags
		}
		err := unix.Setxattr(dir, "system.posix_acl_access", encode(list), 0)
		if errors.Is(err, unix.ENOTSUP) {
			clustertest.Missing(t, "a file system with access control lists", "run the test on ext4, xfs or btrfs")
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		err = private.Check(filepath.Join(dir, "in"))
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want+" write") {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func encode(list []entry) []byte {
	text := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range list {
		text = binary.LittleEndian.AppendUint16(text, e.tag)
		text = binary.LittleEndian.AppendUint16(text, e.rights)
		text = binary.LittleEndian.AppendUint32(text, e.id)
	}
	return text
}
