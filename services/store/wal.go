package store

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/dustin/go-humanize/english"
)

// LostError says that the last commits of an SQLite database cannot be read any more:
// its write-ahead log is damaged. SQLite goes on with what was committed before.
type LostError struct {
	// Path is the database's file, and Kept a copy of its log; empty where it could
	// not be made.
	Path, Kept string
	// Pages is how many were in the log behind the last commit that is whole.
	Pages int
	// Restore says what makes the data again. Empty: nothing does.
	Restore string
}

// Error names the log.
func (e *LostError) Error() string {
	return fmt.Sprintf("the write-ahead log %s-wal is damaged: the last commits, of %s, are lost", e.Path, english.Plural(e.Pages, "page", ""))
}

// Hint is the hint shown with the error.
func (e *LostError) Hint() string {
	hint := "what was committed before is there; check the disk"
	if e.Kept != "" {
		hint += "; the log is kept as " + e.Kept
	}
	if e.Restore != "" {
		hint += "; " + e.Restore
	}
	return hint
}

// Layout of a write-ahead log and of its index (https://sqlite.org/walformat.html).
const (
	walHeader   = 32
	frameHeader = 24
	walMagic    = 0x377f0682 // with the last bit set where checksums are of big-endian words
	minPage     = 512
	maxPage     = 64 << 10
	indexHeader = 48
)

// lostCommits reads the log of a database that is not open. A kill cuts the log's end
// short, of which SQLite has acknowledged nothing; what is behind a frame that is not
// whole was acknowledged. Nil: nothing is lost, or that cannot be found out.
func lostCommits(path string) *LostError {
	log, err := os.Open(path + "-wal")
	if err != nil {
		return nil
	}
	defer func() { _ = log.Close() }()
	w, err := readWAL(log)
	if err != nil {
		return nil
	}
	pages := max(w.frames, indexed(path+"-shm", w.salt)) - w.whole
	if pages <= 0 {
		return nil
	}
	return &LostError{Path: path, Pages: pages}
}

// saveLog copies the log, before SQLite goes on with another one.
func (e *LostError) saveLog() { e.Kept, _ = saveCopy(e.Path + "-wal") } // the loss is reported all the same

// wal is what a log holds: frames up to the last one that is whole, of which the first
// ones are those that SQLite reads.
type wal struct {
	salt          uint64
	whole, frames int
}

// errNoWAL is the error of a file that does not begin as a log does.
var errNoWAL = errors.New("no write-ahead log")

func readWAL(file io.Reader) (w wal, err error) {
	in := bufio.NewReaderSize(file, maxPage+frameHeader)
	head := make([]byte, walHeader)
	if _, err := io.ReadFull(in, head); err != nil {
		return w, err
	}
	magic, size := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[8:])
	if magic&^1 != walMagic || size < minPage || size > maxPage || size&(size-1) != 0 {
		return w, errNoWAL
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if magic&1 != 0 {
		order = binary.BigEndian
	}
	w.salt = binary.BigEndian.Uint64(head[16:])
	sum := checksum{order: order}
	sum.add(head[:24])
	stored := head[24:]
	unbroken := sum.is(stored)
	frame := make([]byte, frameHeader+size)
	for n := 1; ; n++ {
		if _, err := io.ReadFull(in, frame); err != nil {
			return w, nil // a frame that is cut short is none
		}
		sum.set(stored)
		sum.add(frame[:8])
		sum.add(frame[frameHeader:])
		stored = append([]byte(nil), frame[16:frameHeader]...)
		good := sum.is(stored) && binary.BigEndian.Uint64(frame[8:]) == w.salt
		if unbroken = unbroken && good; unbroken {
			w.whole = n
		}
		if good {
			w.frames = n
		}
	}
}

// checksum is that of a log: each frame's goes on from that of the one before.
type checksum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

func (c *checksum) set(stored []byte) {
	c.s0, c.s1 = binary.BigEndian.Uint32(stored), binary.BigEndian.Uint32(stored[4:])
}

func (c *checksum) is(stored []byte) bool {
	return c.s0 == binary.BigEndian.Uint32(stored) && c.s1 == binary.BigEndian.Uint32(stored[4:])
}

func (c *checksum) add(data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		c.s0 += c.order.Uint32(data) + c.s1
		c.s1 += c.order.Uint32(data[4:]) + c.s0
	}
}

// indexed is how many frames of a log were committed as its index says, which a
// killed process leaves behind; 0 where it is of another log or not whole.
func indexed(path string, salt uint64) int {
	file, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }()
	head := make([]byte, 2*indexHeader)
	if _, err := io.ReadFull(file, head); err != nil {
		return 0
	}
	if string(head[:indexHeader]) != string(head[indexHeader:]) || binary.BigEndian.Uint64(head[32:]) != salt {
		return 0
	}
	return int(binary.NativeEndian.Uint32(head[16:]))
}

// maxCopies bounds the copies of one file.
const maxCopies = 100

// saveCopy copies a file to one beside it that is not there yet.
func saveCopy(path string) (kept string, err error) {
	from, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = from.Close() }()
	for n := 1; n <= maxCopies; n++ {
		kept = fmt.Sprintf("%s.damaged-%d", path, n)
		to, err := os.OpenFile(kept, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = io.Copy(to, from)
		return kept, errors.Join(err, to.Close())
	}
	return "", fmt.Errorf("copy %s: there are %d copies of it", path, maxCopies)
}
