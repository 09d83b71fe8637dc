package recovery_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/recovery"
)

// fill writes n records of some bytes to partition 0, one a batch, and ends the
// broker.
func fill(t *testing.T, n int, stop func(*process)) (dir string) {
	t.Helper()
	dir = t.TempDir()
	p := spawn(t, dir)
	cl := client(t, p.addr)
	for i := range n {
		produce(t, cl, "t", 0, record(i))
	}
	cl.Close()
	stop(p)
	return dir
}

func record(i int) string { return fmt.Sprintf("%d %s", i, strings.Repeat("x", 300)) }

// batches are where the batches of a segment file begin.
func batches(t *testing.T, data []byte) (starts []int) {
	t.Helper()
	for at := 0; at < len(data); {
		starts = append(starts, at)
		at += 12 + int(uint32(data[at+8])<<24|uint32(data[at+9])<<16|uint32(data[at+10])<<8|uint32(data[at+11]))
	}
	return starts
}

// segments are the files of partition 0, by offset.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "partitions", "t-0", "*.dat"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got no segments, %v", err)
	}
	base := func(file string) int {
		n, _ := strconv.Atoi(strings.TrimSuffix(filepath.Base(file), ".dat"))
		return n
	}
	slices.SortFunc(files, func(a, b string) int { return base(a) - base(b) })
	return files
}

// TestDamagedSegment: what is damaged is named with the range that is gone, and
// costs no other record; offsets stay.
func TestDamagedSegment(t *testing.T) {
	t.Parallel()
	const n = 40
	ended := map[string]string{"Clean": fill(t, n, (*process).stop), "Kill": fill(t, n, (*process).kill)}
	spawn(t, ended["Kill"]).kill() // the first kill has made the records known to be good
	for _, tt := range []struct {
		name    string
		segment int // from the end where negative
		batch   int
		byte    int // of the batch
	}{
		{"FirstBatch", 0, 0, 80}, {"Records", 1, 2, 80}, {"Checksum", 1, 2, 17}, {"Length", 1, 2, 11}, {"LengthHigh", 1, 2, 8},
		{"Magic", 1, 2, 16}, {"LastOfSegment", 1, -1, 80}, {"LastOfAll", -1, -1, 80}, {"LengthOfLast", -1, -1, 10},
	} {
		for _, way := range stops {
			t.Run(tt.name+way.name, func(t *testing.T) {
				t.Parallel()
				dir := copyDir(t, ended[way.name])
				files := segments(t, dir)
				file := files[(tt.segment+len(files))%len(files)]
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				starts := batches(t, data)
				base, _ := strconv.Atoi(strings.TrimSuffix(filepath.Base(file), ".dat"))
				at := (tt.batch + len(starts)) % len(starts)
				gone := int64(base + at)
				data[starts[at]+tt.byte] ^= 0x10
				info, err := os.Stat(file)
				if err == nil {
					err = errors.Join(os.WriteFile(file, data, 0o600), os.Chtimes(file, time.Time{}, info.ModTime()))
				}
				if err != nil {
					t.Fatal(err)
				}

				s, addr := start(t, dir)
				if len(s.Report.Damage) != 1 {
					t.Fatalf("damage: got %v, want one", s.Report.Damage)
				}
				d := s.Report.Damage[0]
				if d.Topic != "t" || d.Partition != 0 || !d.Records || d.First != gone || d.Next != gone+1 || d.Path != file {
					t.Errorf("damage: got %+v, want offset %d of %s", d, gone, file)
				}
				if kept, err := os.ReadFile(d.Kept); err != nil || !bytes.Equal(kept, data) {
					t.Errorf("the damaged segment is not kept: %v", err)
				}
				var want []string
				for i := range n {
					if int64(i) != gone {
						want = append(want, record(i))
					}
				}
				if got := read(t, addr, "t", 0, 0, kgo.ReadCommitted()); !slices.Equal(got, want) {
					t.Errorf("got %d records, want %d", len(got), len(want))
				}
				if got := ends(t, addr, "t", 0); got[1] < n || got[1] > n || got[2] != got[1] {
					t.Errorf("offsets: got %v, want the end %d", got, n)
				}
				produce(t, client(t, addr), "t", 0, "next")
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s, addr = start(t, dir)
				if len(s.Report.Damage) > 0 || !s.Report.Clean {
					t.Errorf("second start: got %+v", s.Report)
				}
				if got := read(t, addr, "t", 0, 0, kgo.ReadUncommitted()); !slices.Equal(got, append(want, "next")) {
					t.Errorf("second start: got %d records, want %d", len(got), len(want)+1)
				}
			})
		}
	}
}

// TestTorn: the end of an interrupted write is no damage.
func TestTorn(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 11, 12, 60, 61, 100, 4096} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			dir := fill(t, 3, (*process).kill)
			file := segments(t, dir)[0]
			whole, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			part := append(
				slices.Clone(whole[:min(size, 200)]),
				make([]byte, max(0, size-200))...) // a batch begun, or zeros as of a lost page
			if size > 7 {
				part[7] = 3 // its offset
			}
			if err := os.WriteFile(file, append(whole, part...), 0o600); err != nil {
				t.Fatal(err)
			}
			s, addr := start(t, dir)
			if len(s.Report.Damage) > 0 || s.Report.Torn != int64(size) {
				t.Errorf("got %+v, want %d torn bytes and no damage", s.Report, size)
			}
			produce(t, client(t, addr), "t", 0, "next")
			if got := read(t, addr, "t", 0, 0, kgo.ReadUncommitted()); len(got) != 4 {
				t.Errorf("got %d records, want 4", len(got))
			}
		})
	}
}

// TestStateFile: a damaged file of the broker costs itself alone, and is kept.
func TestStateFile(t *testing.T) {
	t.Parallel()
	ended := map[string]string{"Clean": fill(t, 5, (*process).stop), "Kill": fill(t, 5, (*process).kill)}
	for _, name := range []string{
		"meta.json", "topics.json", "sasl.json", "acls.json", "quotas.json", "broker_configs.json", "seq_windows.json", "pids.log", "groups.log",
	} {
		for _, damage := range []struct {
			name string
			do   func(path string) error
		}{
			{"Garbage", func(path string) error { return os.WriteFile(path, []byte("\x00\xff{garbage"), 0o600) }},
			{"Empty", func(path string) error { return os.WriteFile(path, nil, 0o600) }},
			{"WrongType", func(path string) error {
				return os.WriteFile(path, []byte(`{"version":1,"topics":7,"plain":7,"acls":7,"quotas":7,"configs":7,"windows":7,"cluster_id":7}`),
					0o600)
			}},
			{"Object", func(path string) error { return os.WriteFile(path, []byte(`{}`), 0o600) }},
			{"Directory", func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }},
			{"Missing", os.Remove},
		} {
			for _, way := range stops {
				t.Run(name+damage.name+way.name, func(t *testing.T) {
					t.Parallel()
					dir := copyDir(t, ended[way.name])
					path := filepath.Join(dir, name)
					if err := damage.do(path); err != nil {
						t.Fatal(err)
					}
					s, addr := start(t, dir)
					if got := read(t, addr, "t", 0, 0, kgo.ReadUncommitted()); len(got) != 5 {
						t.Errorf("got %d records, want 5", len(got))
					}
					produce(t, client(t, addr), "t", 0, "next")
					whole := damage.name == "Missing" || damage.name == "Empty" && strings.HasSuffix(name, ".log")
					if whole {
						if len(s.Report.Damage) > 0 {
							t.Errorf("got %v, want no damage", s.Report.Damage)
						}
						return
					}
					if strings.HasSuffix(name, ".log") && damage.name != "Directory" {
						return // it may be no more than torn
					}
					if len(s.Report.Damage) != 1 || s.Report.Damage[0].Path != path || s.Report.Damage[0].Hint() == "" {
						t.Fatalf("got %v, want %s named", s.Report.Damage, path)
					}
					if _, err := os.Stat(s.Report.Damage[0].Kept); err != nil {
						t.Errorf("what was damaged is not kept: %v", err)
					}
				})
			}
		}
	}
}

// TestPartitionFile: so it is with the files of a partition.
func TestPartitionFile(t *testing.T) {
	t.Parallel()
	ended := map[string]string{"Clean": fill(t, 30, (*process).stop), "Kill": fill(t, 30, (*process).kill)}
	for _, name := range []string{"snapshot.json", "0.idx", "9.idx", "99999.dat"} {
		for _, kind := range []string{"Directory", "Empty", "Garbage", "Missing"} {
			for _, way := range stops {
				if name == "99999.dat" && (kind == "Missing" || kind == "Garbage") {
					continue
				}
				t.Run(name+kind+way.name, func(t *testing.T) {
					t.Parallel()
					dir := copyDir(t, ended[way.name])
					path := filepath.Join(dir, "partitions", "t-0", name)
					err := os.RemoveAll(path)
					switch kind {
					case "Directory":
						err = errors.Join(err, os.Mkdir(path, 0o700))
					case "Empty":
						err = errors.Join(err, os.WriteFile(path, nil, 0o600))
					case "Garbage":
						err = errors.Join(err, os.WriteFile(path, []byte("garbage"), 0o600))
					}
					if err != nil {
						t.Fatal(err)
					}
					_, addr := start(t, dir)
					produce(t, client(t, addr), "t", 0, record(30))
					if got, want := ends(t, addr, "t", 0), [3]int64{0, 31, 31}; got != want {
						t.Errorf("offsets: got %v, want %v", got, want)
					}
					if got := read(t, addr, "t", 0, 0, kgo.ReadUncommitted()); len(got) != 31 {
						t.Errorf("got %d records, want 31", len(got))
					}
				})
			}
		}
	}
}

// TestErrNewer: what a later version wrote is refused, and left as it is.
func TestErrNewer(t *testing.T) {
	t.Parallel()
	dir := fill(t, 1, (*process).stop)
	for _, name := range []string{"meta.json", "topics.json", "sasl.json", "quotas.json", "acls.json", "checkpoint.json",
		"partitions/t-0/snapshot.json"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		newer := []byte(`{"version":2,"of":"the future"}`)
		if err := os.WriteFile(path, newer, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = open(dir)
		e, ok := errors.AsType[*recovery.Error](err)
		if !ok || e.Path != path || !strings.Contains(e.Hint(), "--data") || !strings.Contains(e.Error(), "version 2") {
			t.Errorf("%s: got %v, want it named, with a hint", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, newer) {
			t.Errorf("%s: was changed: %v", name, err)
		}
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, addr := start(t, dir); len(read(t, addr, "t", 0, 0, kgo.ReadUncommitted())) != 1 {
		t.Error("the record is gone")
	}
}

// TestErrPermission: a file that may not be read is named; it is not damaged.
func TestErrPermission(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root reads all files: run the tests as another user")
	}
	dir := fill(t, 1, (*process).kill)
	for _, name := range []string{"meta.json", "topics.json", "groups.log", "pids.log", "partitions/t-0/0.dat"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		_, err := open(dir)
		if e, ok := errors.AsType[*recovery.Error](err); !ok || e.Path != path || !strings.Contains(e.Hint(), "chmod") {
			t.Errorf("%s: got %v, want it named, with a hint", name, err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
