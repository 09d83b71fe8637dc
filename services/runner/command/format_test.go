package command

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/compose-spec/compose-go/v2/dotenv"
)

// values are hard to quote.
var values = []string{
	"", "plain", "a b", "it's", `"so"`, `back\slash`, `end\`, `'\`, `\'"`, "$HOME ${x} $$", "`id`", "$(id)", "two\nlines", "\r\n", "#no comment",
	" spaces ", "a #b", "ü", "!x", "EOF", "*", "~", "a=b", "\t", `\n`, `\0`, "-n",
}

// TestFormats: what is written is read back as it was, by a shell and by compose.
func TestFormats(t *testing.T) {
	t.Parallel()
	for _, value := range values {
		roundTrip(t, value)
	}
}

func FuzzFormats(f *testing.F) {
	for _, value := range values {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.Contains(value, "\x00") || !utf8.ValidString(value) {
			t.Skip("no variable has it")
		}
		roundTrip(t, value)
	})
}

func write(t *testing.T, format string, comments bool, all ...variable) string {
	t.Helper()
	var b bytes.Buffer
	if err := formats[format](&b, all, comments); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func roundTrip(t *testing.T, value string) {
	t.Helper()
	v, last := variable{Name: "A_b1", Value: value, From: "was\nthis", Service: "x"}, variable{Name: "LAST", Value: "yes"}
	for _, comments := range []bool{false, true} {
		text := write(t, "dotenv", comments, v, last)
		got, err := dotenv.Parse(strings.NewReader(text))
		if err != nil || got[v.Name] != value || got["LAST"] != "yes" || len(got) != 2 {
			t.Errorf("dotenv of %q: got %q, %v from %s", value, got, err, text)
		}
		text = write(t, "shell", comments, v, last)
		cmd := exec.CommandContext(t.Context(), "sh", "-c", text+`printf '%s|%s' "$A_b1" "$LAST"`)
		out, err := cmd.Output()
		if err != nil || string(out) != value+"|yes" {
			t.Errorf("shell of %q: got %q, %v from %s", value, out, err, text)
		}
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(write(t, "json", true, v, last)), &got); err != nil || got[v.Name] != value {
		t.Errorf("json of %q: got %q, %v", value, got, err)
	}
	if got := readGitHub(t, write(t, "github", true, v, last)); got[v.Name] != value || got["LAST"] != "yes" || len(got) != 2 {
		t.Errorf("github of %q: got %q", value, got)
	}
}

// readGitHub reads the file as GitHub's runner does.
func readGitHub(t *testing.T, text string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		name, value, ok := strings.Cut(line, "=")
		if before, delimiter, heredoc := strings.Cut(line, "<<"); heredoc && (!ok || len(before) < len(name)) {
			name = before
			var found bool
			if value, rest, found = strings.Cut(rest, "\n"+delimiter+"\n"); !found {
				t.Fatalf("no end of %s", name)
			}
		}
		all[name], text = value, rest
	}
	return all
}

// TestFormatsName: a name that a format has no form for is left out, and cannot become
// something else.
func TestFormatsName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b", "x;id", "1a", "", "a\nb=c", "$(id)"} {
		v := variable{Name: name, Value: "v"}
		for _, format := range []string{"dotenv", "shell"} {
			if text := write(t, format, true, v); !strings.HasPrefix(text, "# left out: ") || strings.Count(text, "\n") != 1 {
				t.Errorf("%s: %q becomes %q", format, name, text)
			}
		}
	}
	if text := write(t, "github", false, variable{Name: "a\nb", Value: "v"}, variable{Name: "x<<y", Value: "v"}); text != "" {
		t.Errorf("github: got %q", text)
	}
}

// TestFormatsComment says what was rewritten, where it is wanted.
func TestFormatsComment(t *testing.T) {
	t.Parallel()
	v := variable{Name: "BROKER", Value: "localhost:9092", From: "kafka:9092", Service: "kafka"}
	for comments, want := range map[bool]string{
		true: "# kafka: was \"kafka:9092\"\nBROKER=localhost:9092\n", false: "BROKER=localhost:9092\n",
	} {
		if got := write(t, "dotenv", comments, v); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
