package retention

import (
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// TestFlags: ages and sizes as people write them.
func TestFlags(t *testing.T) {
	t.Parallel()
	parse := func(args ...string) (f Flags, err error) {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		f.Register(set)
		err = set.Parse(args)
		return f, err
	}
	for text, want := range map[string]time.Duration{"90m": 90 * time.Minute, "30d": 720 * time.Hour, "1.5d": 36 * time.Hour, "-1": -1,
		"1ms": time.Millisecond} {
		if got, err := parse("--kafka-retention", text); err != nil || got.Age != want {
			t.Errorf("%s: got %v, %v; want %v", text, got.Age, err, want)
		}
	}
	for text, want := range map[string]int64{"1000": 1000, "512MiB": 512 << 20, "1.5GiB": 3 << 29, "2GB": 2e9, "10k": 0, "1K": 1024,
		"5 MB": 5e6, "-1": -1} {
		got, err := parse("--kafka-retention-bytes", text)
		if want == 0 != (err != nil) || got.Bytes != want {
			t.Errorf("%s: got %v, %v; want %v", text, got.Bytes, err, want)
		}
	}
	for _, text := range []string{"", "5", "-2", "0", "1ns", "d", "1000000d", "-3d", "NaNd"} {
		if got, err := parse("--kafka-retention", text); err == nil {
			t.Errorf("age %q: got %v, want an error", text, got.Age)
		}
	}
	for _, text := range []string{"", "0", "-2", "GiB", "1e30", "NaN", "InfGB", "0x10MiB5"} {
		if got, err := parse("--kafka-retention-bytes", text); err == nil {
			t.Errorf("size %q: got %v, want an error", text, got.Bytes)
		}
	}
}

// TestTell: what is kept, in words.
func TestTell(t *testing.T) {
	t.Parallel()
	for want, set := range map[string]Settings{
		"7 d or 1 GiB":                {Delete: true, Age: DefaultAge, Bytes: DefaultBytes},
		"90 min":                      {Delete: true, Age: 90 * time.Minute, Bytes: -1},
		"1.5 MiB":                     {Delete: true, Age: -1, Bytes: 3 << 19},
		"all":                         {Delete: true, Age: -1, Bytes: -1},
		"the last of each key":        {Compact: true, Age: DefaultAge, Bytes: 1},
		"the last of each key, 2 h":   {Compact: true, Delete: true, Age: 2 * time.Hour, Bytes: -1},
		"1500 ms or 1000 B":           {Delete: true, Age: 1500 * time.Millisecond, Bytes: 1000},
		"the last of each key, 1 KiB": {Compact: true, Delete: true, Age: -1, Bytes: 1024},
	} {
		if got := set.Describe(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
