package stacktest_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	subcommands = regexp.MustCompile(`(?m)^Available Commands:\n((?:  .*\n)+)`)
	definition  = regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[a-z][a-z0-9-]*)`)
	mention     = regexp.MustCompile(`(?:axion ((?:[a-z]+ )+)[^.;,)\n]*?)?(--[a-z][a-z0-9-]*)`)
)

// TestHelpFlags walks the commands: the flags that a command's help speaks of are its
// own, or those of a command that it names before them, as in "axion up --ports auto".
func TestHelpFlags(t *testing.T) {
	t.Parallel()
	helps := map[string]string{}
	var walk func(command string)
	walk = func(command string) {
		out, err := exec.CommandContext(t.Context(), binary, append(strings.Fields(command), "--help")...).CombinedOutput()
		if err != nil {
			t.Fatalf("axion %s--help: %v: %s", command, err, out)
		}
		helps[command] = string(out)
		found := subcommands.FindStringSubmatch(string(out))
		if found == nil {
			return
		}
		for line := range strings.Lines(found[1]) {
			walk(command + strings.Fields(line)[0] + " ")
		}
	}
	walk("")
	if len(helps) < 20 || helps["serve "] == "" || helps["topics dlq list "] == "" {
		t.Fatalf("got the help of %d commands only", len(helps))
	}
	has := func(command, flag string) bool {
		return slices.ContainsFunc(definition.FindAllStringSubmatch(helps[command], -1), func(m []string) bool { return m[1] == flag })
	}
	for command, help := range helps {
		if strings.HasPrefix(command, "completion ") {
			continue // cobra's text speaks of the flags of shells and package managers
		}
		for _, found := range mention.FindAllStringSubmatch(help, -1) {
			named, flag := found[1], found[2]
			if !has(command, flag) && (named == "" || !has(named, flag)) {
				t.Errorf("axion %s--help speaks of %s, which it does not have: %s", command, flag, found[0])
			}
		}
	}
}
