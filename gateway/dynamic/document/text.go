package document

import (
	"bytes"
	"fmt"
	"sort"
	"strconv"
)

// text is how a value is written that is not a string, or was none in its file.
func text(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// lines holds where each line ends.
type lines []int

func newLines(data []byte) lines {
	var l lines
	for at := 0; ; {
		i := bytes.IndexByte(data[at:], '\n')
		if i < 0 {
			return l
		}
		at += i + 1
		l = append(l, at)
	}
}

// of is the line, from 1, of the byte at an offset.
func (l lines) of(offset int) int {
	return 1 + sort.SearchInts(l, offset+1)
}
