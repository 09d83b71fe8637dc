package retention

import (
	"fmt"
	"time"
)

const (
	// spareFiles is how many more files a disk takes, at the least, while records are
	// taken: the broker makes some for them. Of a disk of few files it is a part.
	spareFiles = 64
	// refusedTime is for how long a refusal says that the disk is full, where smaller
	// records would find room.
	refusedTime = 10 * time.Second
)

// judge compares the disk's problem with what is known of it now.
func (s *Space) judge(now time.Time) {
	before := s.level
	if s.level = s.levelAt(now); s.level != "" {
		s.journal.set(ofDisk, s.problem(now))
		return
	}
	over := "the disk has room again"
	if refusing(before) {
		over = "the disk has room again: records are taken"
	}
	s.journal.end(ofDisk, over)
}

// levelAt is the kind of the disk's problem, the worst there is.
func (s *Space) levelAt(now time.Time) string {
	free := s.known.Free
	switch {
	case s.known.Total == 0: // the system does not say
		return ""
	case s.known.ReadOnly:
		return KindReadOnly
	case s.unwritable(), s.left() < s.reserve(),
		s.left()-s.refused.bytes < s.reserve() && now.Sub(s.refused.at) < refusedTime:
		return KindFull
	case free < lowDisk, s.level != "" && free < lowDisk*5/4: // or it would come and go
		return KindLow
	}
	return ""
}

// unwritable reports whether the disk takes nothing, whatever room there is for bytes.
func (s *Space) unwritable() bool {
	return s.known.ReadOnly || s.known.FreeFiles < min(spareFiles, s.known.Files/reservePart)
}

// refuses reports whether the disk's level says that records are refused.
func (s *Space) refuses() bool { return refusing(s.level) }

func refusing(level string) bool { return level == KindFull || level == KindReadOnly }

// problem reports the disk's level.
func (s *Space) problem(now time.Time) Problem {
	p := Problem{Kind: s.level, Since: now, At: now}
	switch {
	case s.level == KindReadOnly:
		p.Message = fmt.Sprintf("the disk of %s is read-only: records are refused", s.dir)
		p.Hint = "make it writable, and they are taken again"
	case s.level == KindFull && s.unwritable():
		p.Message = fmt.Sprintf("the disk of %s is full of files: records are refused", s.dir)
		p.Hint = "delete some files, and they are taken again; df -i tells how many there may be"
	case s.level == KindFull:
		p.Message = fmt.Sprintf("the disk of %s is full: records are refused", s.dir)
		p.Hint = "free some room, and they are taken again"
	default:
		p.Message = fmt.Sprintf("the disk of %s has %s left", s.dir, Bytes(int64(s.known.Free)))
		p.Hint = "free some, or use another disk by --data DIR"
	}
	return p
}
