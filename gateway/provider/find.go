package provider

import "os"

// Default gives files, or where there are none the compose file of the working
// directory, by the first name that compose itself looks for; none without one.
func Default(files []string) []string {
	if len(files) > 0 {
		return files
	}
	for _, name := range []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"} {
		if _, err := os.Stat(name); err == nil {
			return []string{name}
		}
	}
	return nil
}
