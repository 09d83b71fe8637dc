package broker

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/admin"
	"axion/broker/retention"
	"axion/broker/storedlog"
)

// prepareRetention makes what keeps the broker's partitions to their settings. It comes
// before the first client.
func (b *Broker) prepareRetention() {
	o := b.options
	b.journal = retention.NewJournal(o.Log)
	b.space = retention.NewSpace(o.Dir, b.journal, o.disk, o.now)
	b.cleaner = retention.New(retention.Options{
		Dir: o.Dir, Log: b.storedLog(), Journal: b.journal, Space: b.space, Logger: b.log,
		Now: o.now, Every: o.retentionEvery, CleanEvery: o.retentionEvery,
	})
}

// storedLog is what is kept, as retention drives it.
func (b *Broker) storedLog() storedlog.Log {
	return storedlog.Log{Cluster: &b.live, Admin: b.admin, Files: b.files.Store, Connect: func() (*kgo.Client, error) {
		return kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.ClientID(retention.ClientID), kgo.Dialer(b.listener.Dial),
			kgo.RequestRetries(0), kgo.WithLogger(admin.NewLogger(b.log)))
	}}
}

// Problems are what people should know of what is kept, such as records that
// went before a group had read them, and of the disk as it is now.
func (b *Broker) Problems() []retention.Problem {
	_ = b.space.Ask() // the journal has it
	return b.journal.Problems()
}
