package explorer

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// cursor is where a reader stands in some partitions of a topic: reading backward, at
// the offsets below, else at the offsets themselves and above. As a text it is
// "older,0:12,1:7" or "newer,0:12,1:7".
type cursor struct {
	backward bool
	at       map[int32]int64
}

const (
	olderToken = "older"
	newerToken = "newer"
	// maxCursor bounds a cursor's text, in bytes: room for any topic that the
	// embedded broker can hold.
	maxCursor = 32 << 10
)

var errCursor = errors.New("is no place in a topic: use one that an answer gave")

func (c cursor) String() string {
	if len(c.at) == 0 {
		return ""
	}
	text := []byte(newerToken)
	if c.backward {
		text = []byte(olderToken)
	}
	ids := make([]int32, 0, len(c.at))
	for id := range c.at {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, cmp.Compare[int32])
	for _, id := range ids {
		text = append(text, ',')
		text = strconv.AppendInt(text, int64(id), 10)
		text = append(text, ':')
		text = strconv.AppendInt(text, c.at[id], 10)
	}
	return string(text)
}

// parseCursor reads what String wrote, the empty text too.
func parseCursor(text string) (cursor, error) {
	if text == "" {
		return cursor{}, nil
	}
	if len(text) > maxCursor {
		return cursor{}, errCursor
	}
	word, rest, _ := strings.Cut(text, ",")
	if word != olderToken && word != newerToken || rest == "" {
		return cursor{}, errCursor
	}
	c := cursor{backward: word == olderToken, at: map[int32]int64{}}
	for entry := range strings.SplitSeq(rest, ",") {
		left, right, ok := strings.Cut(entry, ":")
		id, err := strconv.ParseUint(left, 10, 31)
		at, err2 := strconv.ParseUint(right, 10, 63)
		if _, twice := c.at[int32(id)]; !ok || twice || errors.Join(err, err2) != nil {
			return cursor{}, errCursor
		}
		c.at[int32(id)] = int64(at)
	}
	return c, nil
}
