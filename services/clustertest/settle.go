package clustertest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// settles numbers the quotas that [Settle] sets.
var settles atomic.Int64

// Settle waits until the broker at addrs has learnt of every change to topics, settings
// and quotas that was answered before. Apache Kafka's controller answers a change, and its
// broker follows later, in order: once it describes a second change, it has followed the
// first in all, its partitions too. The quotas that are changed for it limit no client.
func Settle(t testing.TB, addrs ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for range 2 {
		if err := settle(ctx, kadm.NewClient(client)); err != nil {
			t.Fatalf("wait for the broker to follow: %v", err)
		}
	}
}

func settle(ctx context.Context, admin *kadm.Client) error {
	n := settles.Add(1)
	kind, name := "client-id", fmt.Sprintf("settled-%d", n)
	set := kadm.AlterClientQuotaEntry{
		Entity: kadm.ClientQuotaEntity{{Type: kind, Name: &name}},
		Ops:    []kadm.AlterClientQuotaOp{{Key: "consumer_byte_rate", Value: 1e9}},
	}
	results, err := admin.AlterClientQuotas(ctx, []kadm.AlterClientQuotaEntry{set})
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Err != nil {
			return r.Err
		}
	}
	return until(ctx, func() error {
		found, err := admin.DescribeClientQuotas(ctx, true, []kadm.DescribeClientQuotaComponent{{Type: kind, MatchName: &name}})
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("quota of %s is not described yet", name)
		}
		return err
	})
}
