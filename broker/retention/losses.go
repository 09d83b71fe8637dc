package retention

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize/english"
)

// reportInterval is the least time between two warnings in the log about one group and
// topic: what goes meanwhile is reported with the next.
const reportInterval = time.Minute

// losses counts the records that went before a group had read them.
type losses struct {
	journal *Journal
	open    map[[2]string]*loss // by topic and group
}

// loss is that of one group in one topic.
type loss struct {
	records  int64 // not reported yet
	reported time.Time
}

func (l *losses) add(topic, group string, records int64, now time.Time) {
	if records <= 0 {
		return
	}
	if l.open == nil {
		l.open = map[[2]string]*loss{}
	}
	key := [2]string{topic, group}
	if l.open[key] == nil {
		l.open[key] = &loss{reported: now.Add(-reportInterval)}
	}
	l.open[key].records += records
	l.journal.lose(topic, group, records, now)
}

// report warns of what has gone, and forgets what is long reported.
func (l *losses) report(now time.Time) {
	for key, one := range l.open {
		switch {
		case now.Sub(one.reported) < reportInterval:
		case one.records == 0:
			delete(l.open, key)
		default:
			l.journal.logLoss(key[0], key[1], one.records)
			one.records, one.reported = 0, now
		}
	}
}

func lostMessage(topic, group string, records int64) string {
	return fmt.Sprintf("%s of topic %s went before group %s had read %s", english.Plural(int(records), "record", ""), topic, group,
		english.PluralWord(int(records), "it", "them"))
}
