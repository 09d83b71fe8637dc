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
	keys  map[[2]string]int // of services and their keys
}

// locate finds the lines of services. A file that cannot be read has none: what reads
// it for good says so.
func locate(files []string) locations {
	all := make(locations, 0, len(files))
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			all = append(all, fileLines{file, linesOf(data), keysOf(data)})
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

// key is where a key of a service was said last; where it was not, where the service was.
func (l locations) key(service, key string) (file string, line int) {
	file, line = l.service(service)
	for _, f := range l {
		if at := f.keys[[2]string{service, key}]; at > 0 {
			file, line = f.file, at
		}
	}
	return file, line
}

// linesOf are the lines of the keys below "services".
func linesOf(data []byte) map[string]int {
	lines := map[string]int{}
	eachService(data, func(name, _ *yaml.Node) { lines[name.Value] = name.Line })
	return lines
}

// keysOf are the lines of the keys of services.
func keysOf(data []byte) map[[2]string]int {
	lines := map[[2]string]int{}
	eachService(data, func(name, service *yaml.Node) {
		each(service, func(key, _ *yaml.Node) { lines[[2]string{name.Value, key.Value}] = key.Line })
	})
	return lines
}

func eachService(data []byte, do func(name, service *yaml.Node)) {
	var document yaml.Node
	if yaml.Unmarshal(data, &document) != nil || len(document.Content) == 0 {
		return
	}
	each(document.Content[0], func(key, value *yaml.Node) {
		if key.Value == "services" {
			each(value, do)
		}
	})
}

func each(mapping *yaml.Node, do func(key, value *yaml.Node)) {
	if mapping.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		do(mapping.Content[i], mapping.Content[i+1])
	}
}
