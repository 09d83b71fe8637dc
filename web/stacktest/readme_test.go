package stacktest_test

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"axion/web/stacktest"
)

// TestReadme pastes the README's curl lines into a shell, in one go.
func TestReadme(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("AXION_REQUIRE_TOOLS") == "1" {
			t.Fatal("no curl in PATH: install curl to run this test")
		}
		t.Skip("no curl in PATH: install curl to run this test")
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	goesOn := false // a command takes a line more after a backslash
	for line := range strings.Lines(string(text)) {
		command, ok := strings.CutPrefix(line, "    curl ")
		if ok {
			lines = append(lines, "curl -sSf "+command)
		} else if goesOn {
			lines[len(lines)-1] += line
		}
		goesOn = (ok || goesOn) && strings.HasSuffix(line, "\\\n")
	}
	if len(lines) != 6 {
		t.Fatalf("the README has %d curl lines, want 6", len(lines))
	}
	s := stacktest.Launch(t, binary)
	https, err := url.Parse(s.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	var session struct{ Token string }
	s.Get(t, s.Dashboard+"/api/session").Decode(t, http.StatusOK, &session)
	shell := exec.Command("sh", "-e", "-c", strings.Join(lines, ""))
	shell.Env = append(os.Environ(), "PORT="+https.Port(), "CA="+s.CA, "TOKEN="+s.Token, "D="+s.Dashboard, "X="+session.Token)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"slug":"hello"`, `"items":[`, "<h1>Hello</h1>", `"accepted":1`, `"error_code":null`, `"kind":"route-delay"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output lacks %s:\n%s", want, out)
		}
	}
}
