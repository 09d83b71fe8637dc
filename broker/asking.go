package broker

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"axion/broker/admin"
	"axion/broker/answers"
	"axion/broker/live"
	"axion/broker/retention"
)

// newAsking makes the client by which the guard asks the broker. Its connections carry no
// other requests: the response to one may wait for what it asks.
func newAsking(seeds []string, log *slog.Logger, opts ...kgo.Opt) (*kgo.Client, error) {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.OffsetCommit), 9) // the last one that names topics
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(seeds...), kgo.ClientID(answers.ClientID), kgo.MaxVersions(versions), kgo.WithLogger(admin.NewLogger(log)),
	}, opts...)...)
}

// asked is the broker as packages answers and migrate ask it.
type asked struct {
	*live.Cluster
	client  *kgo.Client
	space   *retention.Space
	options Options
	addr    string
}

var _ answers.Cluster = asked{}

// Ask implements [answers.Cluster].
func (a asked) Ask(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	return a.client.Broker(answers.Node).RetriableRequest(ctx, req)
}

// Dir implements [answers.Cluster].
func (a asked) Dir() string {
	if dir, err := filepath.Abs(a.options.Dir); err == nil {
		return dir
	}
	return a.options.Dir
}

// Disk implements [answers.Cluster].
func (a asked) Disk() (total, usable int64) { return a.space.Usable() }

// Partitions implements [answers.Cluster].
func (a asked) Partitions() int32 { return a.options.Partitions }

// Addr implements [answers.Cluster].
func (a asked) Addr() string { return a.addr }
