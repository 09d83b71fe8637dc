package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-colorable"
	"github.com/mattn/go-isatty"
	"github.com/spf13/pflag"
)

// The formats of the log.
const (
	formatText = "text"
	formatJSON = "json"
)

// Flags say how a command writes to its terminal. The zero value: for people with colours on a
// terminal, in slog's text elsewhere.
type Flags struct {
	format  format
	noColor bool
	// Quiet leaves out what services write, and what they are doing.
	Quiet bool
}

// Register adds the flags of all commands.
func (f *Flags) Register(set *pflag.FlagSet) {
	set.Var(&f.format, "log-format", "write axion's own messages as `FORMAT` text or json (default: for people on a terminal, text elsewhere)")
	set.BoolVar(&f.noColor, "no-color", false, "write without colours, as with NO_COLOR set or TERM=dumb")
}

// RegisterQuiet adds the flag of the commands that show what services write.
func (f *Flags) RegisterQuiet(set *pflag.FlagSet) {
	set.BoolVarP(&f.Quiet, "quiet", "q", false, "leave out what services write; it is kept in .axion/logs and on the dashboard")
}

// format is a format of the log; "" is the default.
type format string

// Set implements [pflag.Value].
func (f *format) Set(text string) error {
	if text != formatText && text != formatJSON {
		return fmt.Errorf("%q is neither %s nor %s", text, formatText, formatJSON)
	}
	*f = format(text)
	return nil
}

func (f *format) String() string { return string(*f) }

// Type implements [pflag.Value].
func (*format) Type() string { return "format" }

// Screen is a writer, which may be a terminal.
type Screen struct {
	io.Writer
	terminal bool
	colored  bool // it is a terminal that shows colours, and the environment does not say otherwise
}

// Open returns the screen of a writer. On Windows it has the console follow the sequences that
// set colours.
func Open(w io.Writer) Screen {
	file, ok := w.(*os.File)
	if !ok || !isatty.IsTerminal(file.Fd()) && !isatty.IsCygwinTerminal(file.Fd()) {
		return Screen{Writer: w}
	}
	return Screen{colorable.NewColorable(file), true, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// color says whether something is written to a screen with colours.
func (f *Flags) color(s Screen) bool { return s.colored && !f.noColor }

// Styles are Select Graphic Rendition sequences (ECMA-48 8.3.117).
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
)

// paint has a text shown in a style, if it is to have colours.
func paint(color bool, style, text string) string {
	if !color || text == "" {
		return text
	}
	return style + text + reset
}

// upTo returns the text before its n-th byte, cut between characters.
func upTo(n int, text string) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
