package infrastructure

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLog(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "p.log")
	l := newLog(name)
	write := func(text string) {
		t.Helper()
		if n, err := l.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, len(text), err)
		}
	}
	read := func(n int) (texts []string) {
		t.Helper()
		lines, err := readLog(name, n)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			_, text, _ := strings.Cut(line, " ")
			texts = append(texts, text)
		}
		return texts
	}
	if got := read(5); len(got) != 0 {
		t.Errorf("empty: %q", got)
	}
	write("one\ntw")
	write("o\r\n\xffthree\n" + strings.Repeat("x", 2*maxLine+1) + "\n")
	l.note("ours")
	long := strings.Repeat("x", maxLine)
	if got, want := read(10), []string{"one", "two", "\uFFFDthree", long, long, "x", "[axion] ours"}; !slices.Equal(got, want) {
		t.Errorf("got %.60q", got)
	}
	for i := range 60_000 {
		write(fmt.Sprintf("line %d of a process that says much, and says it again and again\n", i))
	}
	write("the end")
	l.close()
	if got := read(2); !slices.Equal(got, []string{"line 59999 of a process that says much, and says it again and again", "the end"}) {
		t.Errorf("last: %q", got)
	}
	files, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 2*(maxLogMB<<20)+maxLine {
		t.Errorf("%d bytes in %d files", size, len(files))
	}
	if tail := l.tail(); len(strings.Split(tail, "\n")) != tailLines || !strings.HasSuffix(tail, "the end") {
		t.Errorf("tail: %q", tail)
	}
	if err := removeLog(name); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(filepath.Dir(name)); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
}
