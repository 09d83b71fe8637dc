package provider

import "os"

// Default gives files, or where there are none the compose file of the working
// directory, by the first name that compose itself looks for, and the override
// file beside it; none without one.
func Default(files []string) []string {
	if len(files) > 0 {
		return files
	}
	main := first("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
	if len(main) == 0 {
		return nil
	}
	return append(main, first("compose.override.yml", "compose.override.yaml", "docker-compose.override.yml",
		"docker-compose.override.yaml")...)
}

// first is the first of these files that there is.
func first(names ...string) []string {
	for _, name := range names {
		if _, err := os.Stat(name); err == nil {
			return []string{name}
		}
	}
	return nil
}

// ComposeFiles are those of the user's files that are neither folders nor pipes nor of
// Traefik's dynamic configuration, in their order. One that cannot be read is among them.
func ComposeFiles(files []string) []string {
	var all []string
	for _, name := range files {
		if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
			continue
		}
		if data, err := os.ReadFile(name); err == nil && isDynamicText(name, data) {
			continue
		}
		all = append(all, name)
	}
	return all
}
