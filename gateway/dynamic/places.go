package dynamic

import "strings"

// locator leads from the lines of a template's output to those of the template. Nil
// is for a file that is none.
type locator struct {
	lines []int // by line of the output, from 0
}

// newPlaces finds lines again that came through unchanged, in order; a line that
// did not counts as the one before.
func newPlaces(source, output []byte) *locator {
	at := map[string][]int{}
	for i, line := range strings.Split(string(source), "\n") {
		at[line] = append(at[line], i+1)
	}
	p := &locator{}
	last := 1
	for line := range strings.SplitSeq(string(output), "\n") {
		if same := at[line]; len(same) > 0 && strings.TrimSpace(line) != "" {
			next := same[len(same)-1] // a loop comes by again
			for _, n := range same {
				if n >= last {
					next = n
					break
				}
			}
			last = next
		}
		p.lines = append(p.lines, last)
	}
	return p
}

// source is the line of the file that a line was made of; 0 stays 0.
func (p *locator) source(line int) int {
	if p == nil || line < 1 || line > len(p.lines) {
		return line
	}
	return p.lines[line-1]
}
