package middleware

import (
	"fmt"
	"strconv"
	"strings"
)

// statuses is a range of them, both ends included.
type statuses struct{ from, to int }

func (s statuses) has(status int) bool { return s.from <= status && status <= s.to }

// parseStatuses reads "404" and "500-599"; field is named in errors.
func parseStatuses(field, text string) (statuses, error) {
	first, last, ranged := strings.Cut(strings.TrimSpace(text), "-")
	if !ranged {
		last = first
	}
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil || from < 100 || to > 599 || from > to {
		return statuses{}, fmt.Errorf("%s: %q is neither a status, such as 404, nor a range of them, such as 500-599", field, text)
	}
	return statuses{from, to}, nil
}
