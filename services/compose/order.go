package compose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// startOrder lists services, each after those that it depends on, else by name.
func startOrder(all types.Services, places locations) ([]string, error) {
	var order, path []string
	done := map[string]bool{}
	var visit func(name string) error
	visit = func(name string) error {
		if done[name] {
			return nil
		}
		if at := slices.Index(path, name); at >= 0 {
			return cycle(append(path[at:], name), places)
		}
		path = append(path, name)
		service := all[name]
		for _, need := range slices.Sorted(maps.Keys(service.DependsOn)) {
			if _, ok := all[need]; !ok {
				if !service.DependsOn[need].Required {
					continue
				}
				return missing(name, need, places)
			}
			if err := visit(need); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		done[name] = true
		order = append(order, name)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return order, nil
}

func cycle(path []string, places locations) error {
	file, line := places.service(path[0])
	return hintError{
		fmt.Errorf("%s:%d: services depend on each other: %s", file, line, strings.Join(path, " → ")), "take one of these depends_on out",
	}
}

func missing(name, need string, places locations) error {
	file, line := places.service(name)
	return hintError{
		fmt.Errorf("%s:%d: service %q depends on %q, which is no service or in a profile that is off", file, line, name, need),
		"take it out of depends_on, say required: false there, or switch its profile on with --profile",
	}
}
