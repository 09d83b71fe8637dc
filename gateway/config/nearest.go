package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Nearest is the candidate that word was probably meant to be, for hints: the
// one with the fewest edits, case aside. It is empty where none is close.
func Nearest(word string, candidates []string) string {
	best, least := "", 1+max(2, len(word)/5)
	for _, c := range candidates {
		if d := edits(strings.ToLower(word), strings.ToLower(c), least); d < least {
			best, least = c, d
		}
	}
	return best
}

// MeantName is the hint for a name such as "auth@docker" that is none of those known:
// the same name of another provider, else the nearest; empty where there is neither.
func MeantName(name string, known []string) string {
	bare, provider, _ := strings.Cut(name, "@")
	for _, k := range known {
		if other, at, _ := strings.Cut(k, "@"); other == bare && at != provider {
			return fmt.Sprintf("%q is there: name the provider too", k)
		}
	}
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	switch provider {
	case "", "docker", files, "internal":
		return ""
	}
	return "the providers here are docker, file and internal"
}

// DidYouMean is [MeantName] for the keys of a map.
func DidYouMean[T any](name string, known map[string]T) string {
	return MeantName(name, slices.Sorted(maps.Keys(known)))
}

// BareName is a qualified name without its provider, as its author wrote it.
func BareName(name string) string {
	name, _, _ = strings.Cut(name, "@")
	return name
}

// edits counts the bytes to insert, delete, replace or swap with their
// neighbour to get from a to b. It gives up with limit where that is reached.
func edits(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
