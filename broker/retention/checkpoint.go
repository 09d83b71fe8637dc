package retention

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// checkpointName is the file that says how far partitions are compacted, as
// Kafka's of the same name does.
const checkpointName = "cleaner-offset-checkpoint"

// checkpoint is by partition the end offset at its last compaction.
type checkpoint map[string]int64

// readCheckpoint reads what was written; what cannot be read is compacted again.
func readCheckpoint(dir string) checkpoint {
	c := checkpoint{}
	if data, err := os.ReadFile(filepath.Join(dir, checkpointName)); err != nil || json.Unmarshal(data, &c) != nil {
		return checkpoint{}
	}
	return c
}

// has reports whether nothing has come since the last compaction.
func (c checkpoint) has(log Log, p Partition) bool {
	at, ok := log.Offsets(p)
	end, known := c[p.String()]
	return ok && known && end == at.End
}

func (c checkpoint) set(log Log, p Partition) {
	if at, ok := log.Offsets(p); ok {
		c[p.String()] = at.End
	}
}

func (c checkpoint) write(dir string) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, checkpointName)
	if err := os.WriteFile(name+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
