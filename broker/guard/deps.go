// Package guard stands between clients and kfake. It lets through only well-formed
// requests of bounded size, and has both them and their responses be what Apache Kafka's
// are: it validates records, creates topics durably in place of kfake, which would not,
// answers fetches that wait, and notes what kfake forgets over a kill.
package guard

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/advertise"
	"axion/broker/answers"
	batches "axion/broker/batch"
	"axion/broker/budget"
	"axion/broker/connlimit"
	"axion/broker/fault"
	"axion/broker/fetch"
	"axion/broker/live"
	"axion/broker/liveness"
	"axion/broker/membership"
	"axion/broker/migrate"
	"axion/broker/recovery"
	"axion/broker/retention"
)

// Deps is what the guard needs of the broker. All of it is required.
type Deps struct {
	Cluster   *live.Cluster
	Policy    advertise.Policy   // the address that each client gets
	Limiter   *connlimit.Limiter // of connections from outside this process
	Frames    *budget.Budget     // of requests that are being read
	Space     *retention.Space
	Cleaner   *retention.Cleaner
	Names     retention.Names   // of settings
	Rules     *batches.Settings // of topics' records
	Faults    *fault.Set
	Files     *fetch.Files
	Completer *answers.Completer
	Groups    *migrate.Groups
	Admin     Admin
	Members   *liveness.Members
	Joined    *membership.Journal
	Settings  *recovery.Settings // of groups, and of subscriptions to client metrics
	Log       *slog.Logger
}

// Admin asks the broker as an administrator does.
type Admin interface {
	Settings(ctx context.Context, kind kmsg.ConfigResourceType, name string) (map[string]*string, error)
	ShareStarts(ctx context.Context, group string) (membership.Starts, error)
}
