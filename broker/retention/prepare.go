package retention

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Prepare makes a data directory ready for kfake to open: it puts back what a
// compaction has not finished, and renames the settings on which kfake would
// act by itself. It returns how many partitions were put back.
func Prepare(dir string) (restored int, err error) {
	if restored, err = restoreCopies(dir); err != nil {
		return restored, fmt.Errorf("undo a compaction: %w", err)
	}
	if err := hideStored(filepath.Join(dir, "topics.json")); err != nil {
		return restored, fmt.Errorf("read topics' settings: %w", err)
	}
	return restored, nil
}

// hideStored renames what kfake's file of topics holds of settings. A file that
// cannot be read is left as it is: kfake says so.
func hideStored(name string) error {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var file map[string]json.RawMessage
	var topics []map[string]json.RawMessage
	if json.Unmarshal(data, &file) != nil || json.Unmarshal(file["topics"], &topics) != nil {
		return nil
	}
	changed := false
	for _, topic := range topics {
		var configs map[string]string
		if json.Unmarshal(topic["configs"], &configs) != nil {
			continue
		}
		if !hideConfigs(configs) {
			continue
		}
		changed = true
		if topic["configs"], err = json.Marshal(configs); err != nil {
			return err
		}
	}
	if !changed {
		return nil
	}
	if file["topics"], err = json.Marshal(topics); err != nil {
		return err
	}
	if data, err = json.Marshal(file); err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// hideConfigs renames in place. What is there under both names is left of a
// compaction: the hidden one counts.
func hideConfigs(configs map[string]string) (changed bool) {
	for key, value := range configs {
		if to := hide(key); to != key {
			if _, both := configs[to]; !both {
				configs[to] = value
			}
			delete(configs, key)
			changed = true
		}
	}
	return changed
}
