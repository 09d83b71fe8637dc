package host_test

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/services/clustertest"
)

// holdGroup keeps consumer groups from forming until may is closed.
func holdGroup(cluster *clustertest.Broker, may <-chan struct{}) {
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.ConsumerGroupHeartbeat} {
		cluster.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
			cluster.SleepControl(func() { <-may })
			return nil, nil, false
		})
	}
}
