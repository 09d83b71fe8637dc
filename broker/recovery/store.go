package recovery

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// maxOpens bounds how often kfake is opened anew because it met damage.
const maxOpens = 3

// Store is a running kfake with its data directory. Close it once.
type Store struct {
	// Cluster is open until Close.
	Cluster *kfake.Cluster
	// Report says what was found and done.
	Report *Report

	root    string
	journal *journal
	watch   *watch
}

// Open recovers the directory root, which the caller has locked, and opens it by
// open, whose cluster logs to the logger it is given; what kfake logs goes on to
// chatter. Whoever reads the cluster must not write to it before Open returns.
//
// kfake checks every batch when it opens a directory, and cuts a segment at the
// first bad one. Open has it leave such a segment alone, takes out only what is
// bad, and opens the directory again: that costs nothing where all is well.
func Open(root string, log *slog.Logger, chatter kfake.Logger, open func(kfake.Logger) (*kfake.Cluster, error)) (*Store, error) {
	begin := time.Now()
	r := &recoverer{directory: directory{root, &Report{}}, limit: verifyBytes}
	for range maxOpens {
		journal, err := r.run()
		if err != nil {
			return nil, fmt.Errorf("recover: %w", err)
		}
		took := time.Since(begin)
		w := &watch{Logger: chatter, root: root, suspects: make(map[string]bool)}
		c, err := open(w)
		if err != nil {
			return nil, errors.Join(err, journal.Close(), w.putBack())
		}
		if len(w.suspects) == 0 {
			r.report.Took = took
			r.report.log(log)
			w.opened()
			journal.attach(c)
			return &Store{Cluster: c, Report: r.report, root: root, journal: journal, watch: w}, nil
		}
		c.Close()
		if err := errors.Join(journal.Close(), w.putBack()); err != nil {
			return nil, fmt.Errorf("recover: %w", err)
		}
		damage := r.report.Damage
		r = &recoverer{directory: directory{root, &Report{Damage: damage}}, limit: verifyBytes, suspects: w.suspects}
	}
	return nil, &Error{Path: root, Err: errors.New("kfake finds damage that recovery does not"), hint: openHint(root)}
}

func openHint(root string) string {
	return "use another directory by --data DIR, or none by --ephemeral; or remove " + root + ", and with it the records in it"
}

// Close stops the cluster, and notes that the stop was clean, unless something
// could not be saved: then the next start makes it from what was.
func (s *Store) Close() error {
	s.Cluster.Close()
	if err := s.journal.Close(); err != nil || s.watch.hasFailed() {
		return err
	}
	return seal(s.root)
}
