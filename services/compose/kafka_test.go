package compose_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axion/services/compose"
)

// TestKafkaSettings: the spellings of images are understood, and what is not followed is
// named, as is what is wrong.
func TestKafkaSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environment string
		want        compose.KafkaSettings
		notes       []string
	}{
		"confluent": {`{KAFKA_NUM_PARTITIONS: 5, KAFKA_LOG_RETENTION_HOURS: 2, KAFKA_LOG_RETENTION_BYTES: -1, KAFKA_LISTENERS: "A://:9092"}`,
			compose.KafkaSettings{Partitions: 5, Retention: 2 * time.Hour, RetentionBytes: -1}, nil},
		"bitnami": {`{KAFKA_CFG_NUM_PARTITIONS: "7", KAFKA_CFG_LOG_RETENTION_MS: 60000, KAFKA_CFG_LOG_RETENTION_HOURS: 1}`,
			compose.KafkaSettings{Partitions: 7, Retention: time.Minute}, nil},
		"others": {`{KAFKA_NUM_PARTITIONS: many, KAFKA_LOG_SEGMENT_BYTES: 1, KAFKA_AUTO_CREATE_TOPICS_ENABLE: "false"}`,
			compose.KafkaSettings{}, []string{`NUM_PARTITIONS is "many"`, "LOG_SEGMENT_BYTES is not followed", "AUTO_CREATE_TOPICS_ENABLE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "compose.yaml")
			text := "services:\n  kafka:\n    image: apache/kafka\n    environment: " + c.environment + "\n  second: {image: bitnami/kafka}\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			o := compose.Options{Files: []string{file}}
			if got := compose.KafkaSettingsOf(t.Context(), o); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			p, err := compose.Read(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			notes := strings.Join(p.Service("kafka").Notes, "\n")
			for _, want := range c.notes {
				if !strings.Contains(notes, want) {
					t.Errorf("no %q in %q", want, notes)
				}
			}
			if len(c.notes) == 0 && notes != "" {
				t.Errorf("notes: got %q", notes)
			}
			if notes := p.Service("second").Notes; len(notes) == 0 || !strings.Contains(notes[0], "one broker") {
				t.Errorf("the second one: got %q", notes)
			}
		})
	}
}
