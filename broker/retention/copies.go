package retention

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// copiesName is the folder that holds what is compacted, while it is.
	copiesName = "compacting"
	// completeName in it says that it holds all.
	completeName = "complete"
)

// keepCopies links the files of partitions' folders to another place. kfake
// removes them before it writes what is left of them anew: where its process
// ends between the two, these are all there is.
func keepCopies(dir string, folders []string) error {
	copies := filepath.Join(dir, copiesName)
	if err := os.RemoveAll(copies); err != nil {
		return err
	}
	for _, folder := range folders {
		to := filepath.Join(copies, filepath.Base(folder))
		if err := os.MkdirAll(to, 0o700); err != nil {
			return err
		}
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, entry := range entries {
			if !isLog(entry.Name()) {
				continue
			}
			if err := os.Link(filepath.Join(folder, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(copies, completeName), nil, 0o600)
}

// isLog matches the files of records, and their indexes.
func isLog(name string) bool {
	return strings.HasSuffix(name, ".dat") || strings.HasSuffix(name, ".idx")
}

// dropCopies removes what [keepCopies] has kept.
func dropCopies(dir string) error {
	copies := filepath.Join(dir, copiesName)
	if err := os.Remove(filepath.Join(copies, completeName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(copies)
}

// restoreCopies puts back what a compaction has not finished, and returns how
// many partitions.
func restoreCopies(dir string) (restored int, err error) {
	copies := filepath.Join(dir, copiesName)
	if _, err := os.Stat(filepath.Join(copies, completeName)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return 0, os.RemoveAll(copies) // nothing was removed yet
		}
		return 0, err
	}
	entries, err := os.ReadDir(copies)
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		folder := filepath.Join(dir, "partitions", entry.Name())
		if err := restoreFolder(filepath.Join(copies, entry.Name()), folder); err != nil {
			return restored, fmt.Errorf("restore %s: %w", entry.Name(), err)
		}
		restored++
	}
	return restored, dropCopies(dir)
}

// restoreFolder makes the files of a folder those of its copy. It may be done
// again where it has not come to its end.
func restoreFolder(from, folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the topic was deleted
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if isLog(entry.Name()) || entry.Name() == "snapshot.json" {
			if err := os.Remove(filepath.Join(folder, entry.Name())); err != nil {
				return err
			}
		}
	}
	kept, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range kept {
		if err := os.Link(filepath.Join(from, entry.Name()), filepath.Join(folder, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
