package retention

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// largeDir is the size of the data directory from which on it is reported,
	// and lowDisk what is left of the disk.
	largeDir = 5 << 30
	lowDisk  = 1 << 30
	// maxReserve is what is left of the disk when no more records are taken,
	// and maxBallast what is held back of that in a file; smaller disks have
	// less of both, these parts of them.
	maxReserve  = 16 << 20
	reservePart = 16
	maxBallast  = 4 << 20
	// ballastName is that file, in the data directory.
	ballastName = "reserved"
	// spaceAge is how old what is known of the disk may be while it has room.
	spaceAge = 100 * time.Millisecond
	// flight is how long admitted bytes may take to reach the disk.
	flight = time.Second
)

// Disk is what a file system has.
type Disk struct {
	Free, Total uint64 // bytes; a Total of 0 is not known
	// FreeFiles of Files are how many more files there may be; no Files are no limit.
	FreeFiles, Files uint64
	// ReadOnly says that nothing may be written to it.
	ReadOnly bool
}

// Space watches the room on the disk of a data directory. kfake takes a
// record's place in its producer's sequence before it writes the record: when
// the write fails, what the producer sends again is taken for a duplicate, is
// acknowledged, and is lost. And a torn entry in its log of commits hides all
// that come after it from the next start. So kfake must never see a full disk:
// records are refused before it is full, and a file of some MiB gives way to
// the rest of what kfake writes. Its methods are safe for concurrent use.
type Space struct {
	dir     string
	journal *Journal
	disk    func(dir string) (Disk, error)
	now     func() time.Time

	mu      sync.Mutex
	known   Disk
	read    time.Time
	spent   [2]int64 // bytes admitted in this and in the last stretch of flight
	stretch time.Time
	refused refusal // the last one
	level   string  // the kind of the disk's problem, "" for none
	large   bool
}

// refusal is of records that there was no room for.
type refusal struct {
	bytes int64
	at    time.Time
}

// NewSpace watches the disk of dir, which exists. Nil disk asks the system, and
// nil now is time.Now.
func NewSpace(dir string, journal *Journal, disk func(string) (Disk, error), now func() time.Time) *Space {
	if disk == nil {
		disk = systemDisk
	}
	if now == nil {
		now = time.Now
	}
	return &Space{dir: dir, journal: journal, disk: disk, now: now}
}

// Admit reports whether records of this many bytes may be written.
func (s *Space) Admit(bytes int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.land(now)
	if s.refuses() || now.Sub(s.read) >= spaceAge || s.left() < lowDisk {
		s.measure(now)
	}
	if s.known.Total == 0 {
		return true // the system does not say
	}
	if s.left()-int64(bytes) < s.reserve() || s.unwritable() {
		s.refused = refusal{int64(bytes), now}
		s.judge(now)
		return false
	}
	s.spent[0] += int64(bytes)
	if s.refuses() {
		s.judge(now)
	}
	return true
}

// land takes bytes that were admitted a while ago to be on the disk.
func (s *Space) land(now time.Time) {
	if now.Sub(s.stretch) < flight {
		return
	}
	s.spent[1] = s.spent[0]
	if now.Sub(s.stretch) >= 2*flight {
		s.spent[1] = 0
	}
	s.spent[0], s.stretch = 0, now
}

// left is what is free without what is on its way.
func (s *Space) left() int64 { return int64(s.known.Free) - s.spent[0] - s.spent[1] }

func (s *Space) reserve() int64 { return int64(min(maxReserve, s.known.Total/reservePart)) }

// measure asks the system.
func (s *Space) measure(now time.Time) {
	disk, err := s.disk(s.dir)
	if err != nil {
		disk = Disk{}
	}
	s.known, s.read = disk, now
}

// Look is called at every pass, with the size of the data directory. It says
// what is new, and gives room to what is no record.
func (s *Space) Look(size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.land(now)
	s.measure(now)
	if s.known.Total > 0 && !s.unwritable() {
		s.keepBallast()
	}
	// What is over is over by some part, or it would come and go.
	s.large = size > largeDir || s.large && size > largeDir*9/10
	if s.large {
		s.journal.set(ofDirectory, Problem{
			Kind: KindDirectory, Since: now, At: now,
			Message: fmt.Sprintf("the data directory %s has grown to %s", s.dir, Bytes(size)),
			Hint:    "set --kafka-retention-bytes or --kafka-retention lower, or delete topics",
		})
	} else {
		s.journal.end(ofDirectory, "the data directory is smaller again")
	}
	s.judge(now)
}

// Ask measures the disk and returns why no records are taken now, nil where they are.
// The journal has the same from then on.
func (s *Space) Ask() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.land(now)
	s.measure(now)
	s.judge(now)
	if !s.refuses() {
		return nil
	}
	return errors.New(s.problem(now).Message)
}

// Usable measures the disk and returns its size in bytes and what records may take of
// it: nothing where they are refused, -1 where the system does not say.
func (s *Space) Usable() (total, usable int64) {
	refused := s.Ask() != nil
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.known.Total == 0:
		return -1, -1
	case refused:
		return int64(s.known.Total), 0
	}
	return int64(s.known.Total), s.left() - s.reserve()
}

// State makes room for what is no record, such as a commit, and reports whether
// there is any.
func (s *Space) State() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.refuses() || now.Sub(s.read) >= spaceAge || s.left() < lowDisk {
		s.measure(now)
	}
	switch {
	case s.known.Total == 0:
		return true
	case s.unwritable():
		return false
	case s.known.Free >= stateRoom:
		return true
	}
	s.keepBallast()
	s.measure(s.now())
	return s.known.Free >= stateRoom
}

// stateRoom is what is left for what is no record, at the least.
const stateRoom = 256 << 10

// keepBallast holds some of the reserve in a file while there is little room, and
// gives it up when all the rest is gone.
func (s *Space) keepBallast() {
	name := filepath.Join(s.dir, ballastName)
	size := int64(min(maxBallast, s.known.Total/reservePart/4))
	switch info, err := os.Stat(name); {
	case s.known.Free < stateRoom, s.known.Free > lowDisk+maxBallast:
		if err == nil {
			_ = os.Remove(name) // or the next call does
		}
	case (err != nil || info.Size() < size) && int64(s.known.Free) >= s.reserve()+size:
		if writeZeros(name, size) != nil {
			_ = os.Remove(name) // what is torn holds nothing
		}
	}
}

func writeZeros(name string, size int64) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyN(file, zeros{}, size)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// zeros reads as zeros, without end.
type zeros struct{}

// Read implements [io.Reader].
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Bytes writes a number of bytes for a person: "1.5 GiB".
func Bytes(n int64) string {
	value, unit := float64(n), 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	text := fmt.Sprintf("%.1f", value)
	if value == float64(int64(value)) {
		text = fmt.Sprintf("%d", int64(value))
	}
	return text + " " + units[unit]
}
