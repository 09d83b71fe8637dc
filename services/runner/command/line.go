package command

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
)

// linePrinter writes log lines for people, or as JSON.
type linePrinter struct {
	out    io.Writer
	json   bool
	colour bool
	width  *int // of the longest name so far
}

func newLinePrinter(out io.Writer, asJSON bool) linePrinter {
	return linePrinter{out: out, json: asJSON, colour: isTerminal(out) && colourWanted(), width: new(int)}
}

// isTerminal says whether a person reads or writes what is at the other end of a stream.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && (isatty.IsTerminal(file.Fd()) || isatty.IsCygwinTerminal(file.Fd()))
}

// colourWanted says whether the environment lets colours be (https://no-color.org).
func colourWanted() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }

func (p linePrinter) print(lines []logLine) error {
	var b strings.Builder
	for _, line := range lines {
		*p.width = max(*p.width, len(line.Service))
	}
	for _, line := range lines {
		if p.json {
			text, err := json.Marshal(line)
			if err != nil {
				return err
			}
			b.Write(append(text, '\n'))
			continue
		}
		b.WriteString(p.text(line))
	}
	_, err := io.WriteString(p.out, b.String())
	return err
}

// printLeftOut says how many lines came faster than they could be sent.
func (p linePrinter) printLeftOut(n int) {
	if !p.json {
		_, _ = fmt.Fprintf(p.out, "… %d lines left out: they came too fast\n", n)
	}
}

// text is a line for people.
func (p linePrinter) text(line logLine) string {
	name := fmt.Sprintf("%-*s |", *p.width, printable(line.Service))
	message := clean(line.Message, p.colour)
	level := line.Level
	_, output := line.Attributes["stream"] // what a service writes has no level of its own
	if p.colour {
		name = paint(nameColour(line.Service), name)
		level = paint(levelColours[line.Level], level)
	}
	text := line.Time.Local().Format(time.TimeOnly) + " " + name + " "
	if output {
		return text + message + "\n"
	}
	text += level + " " + message
	for _, key := range slices.Sorted(maps.Keys(line.Attributes)) {
		text += " " + printable(fmt.Sprintf("%s=%v", key, line.Attributes[key]))
	}
	return text + "\n"
}

// levelColours are SGR parameters.
var levelColours = map[string]string{"debug": "90", "info": "32", "warn": "33", "error": "31"}

// nameColour is the same for the same name.
func nameColour(name string) string {
	colours := []string{"36", "35", "34", "33", "32", "96", "95", "94"}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(name))
	return colours[int(sum.Sum32()%uint32(len(colours)))]
}

func paint(sgr, text string) string { return "\x1b[" + sgr + "m" + text + "\x1b[0m" }

var (
	// escapes are the control sequences of terminals (ECMA-48), and what begins one.
	escapes = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[ -/]*[0-~])?")
	colours = regexp.MustCompile("^\x1b\\[[0-9;:]*m$")
)

// clean makes a text of somebody else's safe to show: of the control characters it keeps
// colours, where they are wanted, and tabs.
func clean(text string, keepColours bool) string {
	painted := false
	text = escapes.ReplaceAllStringFunc(text, func(sequence string) string {
		if keepColours && colours.MatchString(sequence) {
			painted = true
			return sequence
		}
		return ""
	})
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\x1b' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, text)
	if painted {
		text += "\x1b[0m"
	}
	return text
}

// printable is a text without control characters.
func printable(text string) string { return clean(text, false) }
