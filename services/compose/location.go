package compose

import (
	"os"

	"go.yaml.in/yaml/v4"
)

// locations are the lines of services in files.
type locations []fileLines

type fileLines struct {
	file  string
	lines map[string]int
}

// locate finds the lines of services. A file that cannot be read has none: what reads
// it for good says so.
func locate(files []string) locations {
	all := make(locations, 0, len(files))
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			all = append(all, fileLines{file, linesOf(data)})
		}
	}
	return all
}

// service is where a service was said last.
func (l locations) service(name string) (file string, line int) {
	for _, f := range l {
		if at := f.lines[name]; at > 0 || file == "" {
			file, line = f.file, at
		}
	}
	return file, line
}

// linesOf are the lines of the keys below "services".
func linesOf(data []byte) map[string]int {
	lines := map[string]int{}
	var document yaml.Node
	if yaml.Unmarshal(data, &document) != nil || len(document.Content) == 0 {
		return lines
	}
	each(document.Content[0], func(key, value *yaml.Node) {
		if key.Value == "services" {
			each(value, func(name, _ *yaml.Node) { lines[name.Value] = name.Line })
		}
	})
	return lines
}

func each(mapping *yaml.Node, do func(key, value *yaml.Node)) {
	if mapping.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		do(mapping.Content[i], mapping.Content[i+1])
	}
}
