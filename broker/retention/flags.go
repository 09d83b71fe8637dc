package retention

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Flags are what the command line says of retention. The zero value leaves the
// defaults.
type Flags struct {
	// Age is 0 for the default, and negative for none.
	Age time.Duration
	// Bytes is 0 for the default, and negative for no limit.
	Bytes int64
}

// Register adds --kafka-retention and --kafka-retention-bytes to set.
func (f *Flags) Register(set *pflag.FlagSet) {
	set.Var((*ageFlag)(&f.Age), "kafka-retention",
		"drop a partition's oldest segments once all their records are older than `AGE`, such as 12h or 30d; "+
			"-1 keeps them whatever their age. A topic's retention.ms overrides it, and compacted topics keep all (default 7d)")
	set.Var((*bytesFlag)(&f.Bytes), "kafka-retention-bytes",
		"drop a partition's oldest segments while `SIZE` is left without them, such as 512MiB; "+
			"-1 sets no limit. The newest segment stays. A topic's retention.bytes overrides it, and compacted topics have none (default 1GiB)")
}

// ageFlag is a duration with days.
type ageFlag time.Duration

// Type implements [pflag.Value].
func (*ageFlag) Type() string { return "AGE" }

// String implements [pflag.Value].
func (f *ageFlag) String() string {
	switch {
	case *f == 0:
		return ""
	case *f < 0:
		return "-1"
	}
	return time.Duration(*f).String()
}

// Set implements [pflag.Value].
func (f *ageFlag) Set(text string) error {
	if text == "-1" {
		*f = -1
		return nil
	}
	age, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		age = time.Duration(n * float64(24*time.Hour))
		if !(n < float64(math.MaxInt64/(24*time.Hour))) { // NaN too
			err = strconv.ErrRange
		}
	}
	if err != nil || age < time.Millisecond {
		return errors.New("must be an age such as 90m, 12h or 30d, or -1 for none")
	}
	*f = ageFlag(age)
	return nil
}

// bytesFlag is a number of bytes with a unit.
type bytesFlag int64

// Type implements [pflag.Value].
func (*bytesFlag) Type() string { return "SIZE" }

// String implements [pflag.Value].
func (f *bytesFlag) String() string {
	switch {
	case *f == 0:
		return ""
	case *f < 0:
		return "-1"
	}
	return Bytes(int64(*f))
}

// units of sizes, the longer names before those that they end with.
var units = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1 << 40}, {"B", 1}, {"", 1},
}

// Set implements [pflag.Value].
func (f *bytesFlag) Set(text string) error {
	if text == "-1" {
		*f = -1
		return nil
	}
	for _, unit := range units {
		number, ok := strings.CutSuffix(text, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if n *= unit.bytes; err == nil && n >= 1 && n < math.MaxInt64 {
			*f = bytesFlag(n)
			return nil
		}
		break
	}
	return errors.New("must be a size such as 1000000, 512MiB or 2GB, or -1 for no limit")
}

// Describe returns what partitions keep, as text for a person: "7 d or 1 GiB".
func (s Settings) Describe() string {
	var limits []string
	if s.Delete && s.Age >= 0 {
		limits = append(limits, duration(s.Age))
	}
	if s.Delete && s.Bytes >= 0 {
		limits = append(limits, Bytes(s.Bytes))
	}
	text := strings.Join(limits, " or ")
	switch {
	case s.Compact && text == "":
		return "the last of each key"
	case s.Compact:
		return "the last of each key, " + text
	case text == "":
		return "all"
	}
	return text
}

// duration writes d by its largest unit that has no rest.
func duration(d time.Duration) string {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}} {
		if d >= unit.size && d%unit.size == 0 {
			return fmt.Sprintf("%d %s", d/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}
