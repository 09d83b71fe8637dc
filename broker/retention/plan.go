package retention

import (
	"math"
	"time"
)

// never is a time that does not come.
var never = time.Unix(math.MaxInt32, 0)

// plan tells what of a partition is to go now: the records before the offset
// upTo, the segments before keep. next is when age takes the next of them.
//
// It is UnifiedLog.deleteOldSegments of Kafka 4.x: from the oldest segment on,
// as long as its newest record is too old, or what is left without it still
// takes the limit's bytes. Size never takes the newest segment; age does only
// where the topic itself sets one.
func (s segments) plan(folder string, set Settings, now time.Time) (upTo int64, keep int, next time.Time, err error) {
	next = never
	if len(s) == 0 || !set.Delete {
		return 0, 0, next, nil
	}
	left := s.bytes()
	for keep < len(s) {
		last := keep == len(s)-1
		at := &s[keep]
		if !last && set.Bytes >= 0 && left-at.size >= set.Bytes {
			left -= at.size
			keep++
			continue
		}
		if set.Age < 0 || last && !set.OwnAge {
			break
		}
		if err := at.scan(folder); err != nil {
			return 0, 0, next, err
		}
		if age := at.age(now); age <= set.Age {
			if wait := set.Age - age; wait < never.Sub(now) {
				next = now.Add(wait + time.Millisecond)
			}
			break
		}
		left -= at.size
		keep++
	}
	switch keep {
	case 0:
	case len(s):
		upTo = s[len(s)-1].end
	default:
		upTo = s[keep].base
	}
	return upTo, keep, next, nil
}
