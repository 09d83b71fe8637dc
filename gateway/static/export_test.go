package static

import (
	"reflect"
	"strings"
)

// Settings are the paths of all that is decoded, in lower case with * for names.
func Settings() []string {
	var all []string
	for _, path := range settings("", reflect.TypeFor[tree]()) {
		if f := classify(pathOf(path)); f.verdict == known {
			all = append(all, path)
		}
	}
	return all
}

// Undecoded are the paths of the list of what is not.
func Undecoded() []string {
	var all []string
	for _, l := range undecoded {
		all = append(all, l.path)
	}
	return all
}

// Absent are the paths of the list of what Traefik 3.7 does not have.
func Absent() []string {
	var all []string
	for _, a := range absentSettings {
		all = append(all, a.path)
	}
	return all
}

func pathOf(pattern string) []string {
	return strings.Split(strings.ReplaceAll(pattern, "*", "n"), ".")
}
