package storedlog

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// compactTimeout bounds the wait for the broker to begin a compaction.
const compactTimeout = 10 * time.Second

// exclusiveCalls distinguishes calls of exclusive.
var exclusiveCalls atomic.Int32

// Compact implements [retention.Log]. kfake compacts every topic that it knows to
// be compacted, so it knows of that only while it is to compact this one.
func (l Log) Compact(ctx context.Context, topic string, before, after func() error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, compactTimeout)
	defer cancel()
	client, err := l.Connect()
	if err != nil {
		return err
	}
	defer client.Close()
	compact := "compact"
	if err := alterTopic(ctx, client, topic, kmsg.IncrementalAlterConfigOpSet, &compact); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, alterTopic(context.WithoutCancel(ctx), client, topic, kmsg.IncrementalAlterConfigOpDelete, nil))
	}()
	return l.exclusive(ctx, client, func(c *kfake.Cluster) error {
		if err := before(); err != nil {
			return err
		}
		c.Compact()
		l.Files.Forget()
		return after()
	})
}

// alterTopic sets the cleanup policy that kfake knows of a topic.
func alterTopic(ctx context.Context, client *kgo.Client, topic string, op kmsg.IncrementalAlterConfigOp, policy *string) error {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource, config := kmsg.NewIncrementalAlterConfigsRequestResource(), kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	config.Name, config.Op, config.Value = "cleanup.policy", op, policy
	resource.ResourceType, resource.ResourceName, resource.Configs = kmsg.ConfigResourceTypeTopic, topic, append(resource.Configs, config)
	req.Resources = append(req.Resources, resource)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("alter topic %s: %w", topic, err)
	}
	for _, answer := range resp.Resources {
		if answer.ErrorCode != 0 {
			return fmt.Errorf("alter topic %s: error %d", topic, answer.ErrorCode)
		}
	}
	return nil
}

// exclusive calls fn while kfake handles no request. kfake waits for a function
// that controls a request, and meanwhile serves none but the calls of its own
// methods; the request is one that nothing else needs, and its timeout marks it
// from others.
func (l Log) exclusive(ctx context.Context, client *kgo.Client, fn func(*kfake.Cluster) error) error {
	req := kmsg.NewPtrElectLeadersRequest()
	req.TimeoutMillis = -1 - exclusiveCalls.Add(1)
	done := errAway
	l.Cluster.With(func(c *kfake.Cluster) {
		c.ControlKey(int16(kmsg.ElectLeaders), func(got kmsg.Request) (kmsg.Response, error, bool) {
			if ctx.Err() != nil {
				c.DropControl()
			}
			if r, ok := got.(*kmsg.ElectLeadersRequest); !ok || r.TimeoutMillis != req.TimeoutMillis || ctx.Err() != nil {
				return nil, nil, false
			}
			l.Cluster.With(func(c *kfake.Cluster) { done = fn(c) })
			return got.ResponseKind(), nil, true
		})
	})
	if _, err := req.RequestWith(ctx, client); err != nil {
		return fmt.Errorf("begin the compaction: %w", err)
	}
	return done
}
