package answers

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestBrokerProblem: a broker's setting is followed or refused.
func TestBrokerProblem(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"log.retention.ms": "", "log.retention.bytes": "", "log.segment.bytes": "", "log.cleaner.backoff.ms": "",
		"group.consumer.heartbeat.interval.ms": "", "auto.create.topics.enable": "dynamically",
		"log.cleanup.policy":         "cleanup.policy of the topics",
		"log.message.timestamp.type": "message.timestamp.type of the topics", "message.max.bytes": "max.message.bytes of the topics",
		"log.message.timestamp.after.max.ms": "message.timestamp.after.max.ms of the topics", "max.connections": "not supported",
		"background.threads": "not supported", "no.such.setting": "not supported",
	} {
		p := brokerProblem(name, kmsg.IncrementalAlterConfigOpSet)
		if want == "" && p != nil || want != "" && (p == nil || !strings.Contains(p.text, want)) {
			t.Errorf("%s: got %+v, want %q", name, p, want)
		}
	}
	if p := brokerProblem("max.connections", kmsg.IncrementalAlterConfigOpDelete); p != nil {
		t.Errorf("to delete what is not set: got %+v", p)
	}
}
