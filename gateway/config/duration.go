package config

import (
	"fmt"
	"strconv"
	"time"
)

// Duration is a time.Duration whose text form is Go's ("1m30s") or, as in
// Traefik, a bare integer of seconds.
type Duration time.Duration

// UnmarshalText parses "10s" or "10".
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		*d = Duration(time.Duration(n) * time.Second)
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 10s or 1m", s)
	}
	*d = Duration(v)
	return nil
}

// String is Go's form.
func (d Duration) String() string { return time.Duration(d).String() }
