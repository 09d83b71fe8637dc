package provider

import (
	"os"
	"path/filepath"
)

// Find gives the compose file of a directory, by the first name that compose
// itself looks for, or none.
func Find(dir string) []string {
	for _, name := range []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return []string{path}
		}
	}
	return nil
}
