package compose

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// KafkaSettings are those of a Kafka of the file that the embedded broker follows. Zero
// values leave the broker's own.
type KafkaSettings struct {
	Partitions     int32         // of topics that are created without a number
	Retention      time.Duration // of records; negative for no limit
	RetentionBytes int64         // of a partition; negative for no limit
}

// KafkaSettingsOf reads the settings of the first Kafka among the services of a project. A
// project that cannot be read has none: what reads it for good says so.
func KafkaSettingsOf(ctx context.Context, o Options) KafkaSettings {
	if len(o.Files) == 0 {
		return KafkaSettings{}
	}
	p, err := Read(ctx, o)
	if err != nil {
		return KafkaSettings{}
	}
	for _, s := range p.Services {
		if s.Kind == Kafka {
			settings, _ := s.kafkaSettings()
			return settings
		}
	}
	return KafkaSettings{}
}

// retentionUnits are how log.retention is given, what comes first being what counts.
var retentionUnits = []struct {
	name string
	unit time.Duration
}{{"LOG_RETENTION_MS", time.Millisecond}, {"LOG_RETENTION_MINUTES", time.Minute}, {"LOG_RETENTION_HOURS", time.Hour}}

// understood are further settings of Kafka's images, or beginnings of them, that mean
// nothing to one broker without a quorum, or whose work the stack does anyway.
var understood = strings.Fields(`LISTENER ADVERTISED_LISTENERS LISTENERS INTER_BROKER CONTROLLER PROCESS_ROLES NODE_ID BROKER_ID ZOOKEEPER
	OFFSETS_TOPIC TRANSACTION_STATE_LOG DEFAULT_REPLICATION_FACTOR MIN_INSYNC_REPLICAS GROUP_INITIAL_REBALANCE_DELAY_MS LOG_DIR CLUSTER_ID
	KRAFT HEAP_OPTS JMX OPTS LOG4J CONFLUENT METRIC ENABLE_KRAFT VERSION HOME`)

// kafkaSettings reads the variables by which the images of Kafka are configured: notes name
// those that are not followed.
func (s *Service) kafkaSettings() (k KafkaSettings, notes []string) {
	values := map[string]string{}
	for name, value := range s.Environment {
		if short, ok := strings.CutPrefix(name, "KAFKA_"); ok && value != nil {
			values[strings.TrimPrefix(short, "CFG_")] = *value
		}
	}
	number := func(name string, least, most int64) (n int64, ok bool) {
		text, ok := values[name]
		delete(values, name)
		if !ok || text == "" {
			return 0, false
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < least || n > most {
			notes = append(notes, fmt.Sprintf("%s is %q, and must be a number from %d to %d: the broker's own counts", name, text, least, most))
			return 0, false
		}
		return n, true
	}
	if n, ok := number("NUM_PARTITIONS", 1, 1000); ok {
		k.Partitions = int32(n)
	}
	for _, u := range retentionUnits {
		n, ok := number(u.name, -1, math.MaxInt64/int64(u.unit))
		if ok && k.Retention == 0 {
			k.Retention = time.Duration(n) * u.unit
		}
	}
	if n, ok := number("LOG_RETENTION_BYTES", -1, math.MaxInt64); ok {
		k.RetentionBytes = n
	}
	if strings.EqualFold(values["AUTO_CREATE_TOPICS_ENABLE"], "false") {
		notes = append(notes, "AUTO_CREATE_TOPICS_ENABLE is not followed: the broker creates a topic that a client asks to have created")
	}
	delete(values, "AUTO_CREATE_TOPICS_ENABLE")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.ContainsFunc(understood, func(begin string) bool { return strings.HasPrefix(name, begin) }) {
			notes = append(notes, name+" is not followed")
		}
	}
	return k, notes
}
