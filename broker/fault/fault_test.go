package fault

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"axion/broker/live"
	"axion/web/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestInjectErr(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var running live.Cluster
	running.Set(cluster)
	defer running.Set(nil)
	set := NewSet(&running, nil, slog.New(slog.DiscardHandler))
	five := int32(5)
	for want, f := range map[string]view.FaultSpec{
		`no topic "b"`:                   {Kind: DelayTopic, Target: "b"},
		`topic "a" has no partition 5`:   {Kind: DropTopic, Target: "a", Partition: &five},
		`Kafka has no error "NOT_A_ONE"`: {Kind: FailTopic, Target: "a", Code: "NOT_A_ONE"},
		`no fault of the kind "melt"`:    {Kind: "melt"},
	} {
		if _, err := set.Inject(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", f, err, want)
		}
	}
	if len(set.all) != 0 {
		t.Errorf("got %d faults after all that, want none", len(set.all))
	}
}
