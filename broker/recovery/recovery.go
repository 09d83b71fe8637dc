// Package recovery brings the data directory of a kfake broker to the state that
// a clean stop would have left, before kfake opens it.
//
// kfake (v0.0.0-20260918) keeps batches, commits and the ids of producers on disk
// as they come, and the rest of its state in memory until its clean stop: after a
// kill, open transactions, the sequences of producers, the start of partitions
// and the end of emptied ones are gone or wrong. [Recover] makes them from the
// batches, and from a journal that is written while the broker runs.
package recovery

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Damage is something that cannot be read as it was written.
type Damage struct {
	// Path is the file. Empty where none holds what is missing.
	Path string
	// Kept is where it is now, or a copy of it. Empty means that there is
	// nothing to keep.
	Kept string
	// Topic and Partition say whose file it is; Topic is empty for the files of
	// the whole broker.
	Topic     string
	Partition int32
	// Records reports whether records are lost: those with offsets from First
	// to before Next, as far as they had not been deleted. Where Next is not
	// above First, how many is not known.
	Records     bool
	First, Next int64
	// What is wrong, as the end of a sentence about the file.
	What string
}

// String is one line for a person.
func (d Damage) String() string {
	var b strings.Builder
	if d.Topic != "" {
		fmt.Fprintf(&b, "topic %s partition %d", d.Topic, d.Partition)
		switch {
		case d.Records && d.Next == d.First+1:
			fmt.Fprintf(&b, ": the record of offset %d is lost", d.First)
		case d.Records && d.Next > d.First:
			fmt.Fprintf(&b, ": the records of offsets %d to %d are lost", d.First, d.Next-1)
		case d.Records:
			fmt.Fprintf(&b, ": records from offset %d on are lost", d.First)
		}
		b.WriteString(": ")
	}
	if d.Path != "" {
		b.WriteString(filepath.Base(d.Path) + " ")
	}
	b.WriteString(d.What)
	return b.String()
}

// Hint says what to do.
func (d Damage) Hint() string {
	switch {
	case d.Kept != "":
		return "what was there is kept as " + d.Kept + "; check the disk, and remove that file once it is not needed"
	case d.Topic != "":
		return "check the disk; producers that still have the records can send them again"
	}
	return "check the disk"
}

// Report says what [Open] found and did.
type Report struct {
	// Clean reports that the last stop was: nothing had to be done.
	Clean bool
	// Fresh reports that nothing was there.
	Fresh bool
	// Partitions were read.
	Partitions int
	// Aborted and Committed are transactions that were open at the kill, and
	// Markers what was written to end them.
	Aborted, Committed, Markers int
	// Producers are those whose sequences are known.
	Producers int
	// Torn are bytes of interrupted writes, which nobody was sent an answer of.
	Torn int64
	// Damage is what is lost.
	Damage []Damage
	// Took is how long it took.
	Took time.Duration
}

// log says what was done in one line, and each damage in one more.
func (r *Report) log(log *slog.Logger) {
	if !r.Clean && !r.Fresh {
		log.Info(
			"broker: recovered from a stop that was not clean",
			"partitions",
			r.Partitions,
			"aborted",
			r.Aborted,
			"committed",
			r.Committed,
			"producers",
			r.Producers,
			"torn_bytes",
			r.Torn,
			"damaged",
			len(r.Damage),
			"took",
			r.Took.Round(time.Millisecond),
		)
	}
	for _, d := range r.Damage {
		log.Error("broker: damaged: "+d.String(), "file", d.Path, "hint", d.Hint())
	}
}

// recoverer is one recovery of a directory. It changes nothing that it need not,
// and may itself be killed at any time: the next one goes on.
type recoverer struct {
	directory
	limit      int64           // see verifyBytes
	suspects   map[string]bool // partitions whose files are not as they were
	topics     []topicInfo
	dropped    []string // topics whose deletion was finished
	known      *checkpoint
	noted      *journalState
	partitions partitionList
	producers  producers
	pidsSize   int64 // of kfake's log of producers
	groups     []byte
	changed    struct{ groups, producers bool }
}

func (r *recoverer) run() (*journal, error) {
	if err := r.readState(); err != nil {
		return nil, err
	}
	if r.report.Fresh {
		return r.begin(newJournalState())
	}
	if r.report.Clean = r.isClean(); r.report.Clean {
		open, err := r.openTransactions()
		if err != nil {
			return nil, err
		}
		return r.begin(open)
	}
	steps := []func() error{
		r.readPartitions,
		r.readLogs,
		r.endTransactions,
		r.finishPartitions,
		r.writeLogs,
		r.dropTransactions,
		r.writeCheckpoint,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return r.begin(newJournalState())
}

// readState reads the small files, and puts aside those that are damaged.
func (r *recoverer) readState() (err error) {
	if r.known, err = readCheckpoint(r.root); err != nil {
		return err
	}
	if r.noted, err = readJournal(r.root); err != nil {
		return err
	}
	return r.checkFiles()
}

// begin notes that the broker runs, until seal.
func (r *recoverer) begin(state *journalState) (*journal, error) {
	if err := os.MkdirAll(r.root, 0o700); err != nil {
		return nil, fileError(r.root, err)
	}
	if err := writeDerived(r.path(runningName), nil); err != nil {
		return nil, err
	}
	syncDir(r.root)
	return openJournal(r.root, state)
}

// isClean reports whether the last stop was, and the files are as it left them.
func (r *recoverer) isClean() bool {
	if _, err := os.Lstat(r.path(runningName)); !errors.Is(err, os.ErrNotExist) || r.known == nil ||
		len(r.report.Damage)+len(r.suspects) > 0 {
		return false
	}
	for _, log := range []string{"groups.log", "pids.log"} {
		data, err := content(r.path(log))
		if _, damaged, torn := entries(data); err != nil || damaged+torn > 0 {
			return false
		}
	}
	for _, topic := range r.topics {
		for n := range topic.Partitions {
			p := newPartition(r.root, topic, int32(n))
			if !r.known.partition(p).isUnchanged(p) {
				return false
			}
			r.partitions = append(r.partitions, p)
		}
	}
	defer func() { r.partitions = nil }()
	return r.verify()
}

// verifyBytes is how much is read again after a clean stop: what costs less than
// anybody notices. kfake checks more, all that a batch's checksum covers; but that
// is not its offset, and not the version of its format.
const verifyBytes = 32 << 20

// verify reads the partitions again where they are small, and suspects those that
// are not whole.
func (r *recoverer) verify() bool {
	if !r.known.isSmall(r.limit) {
		return true
	}
	var mu sync.Mutex
	suspects := make(map[string]bool)
	_ = r.partitions.each(func(p *partition, buffer []byte) ([]byte, error) { // an error is met again when they are read
		k := r.known.partition(p)
		if k == nil {
			return buffer, nil
		}
		again := newPartition(r.root, p.topic, p.number)
		buffer, err := again.read(k, true, offsets{}, buffer)
		if err != nil || len(again.damage) > 0 || again.torn > 0 {
			mu.Lock()
			suspects[p.String()] = true
			mu.Unlock()
		}
		return buffer, err
	})
	r.suspects = suspects
	return len(suspects) == 0
}

// finishPartitions writes what is derived from the batches.
func (r *recoverer) finishPartitions() error {
	return r.partitions.each(func(p *partition, buffer []byte) ([]byte, error) { return buffer, p.finish() })
}
