package terminal

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	maxText  = 4 << 10 // bytes of a message and its error
	maxValue = 200     // bytes of an attribute that is shown in their line
	maxBelow = 20      // lines of an attribute that has several
)

// people is a [slog.Handler] for those who read: the time, the level, where it comes from, the
// message and its error, short attributes, and below them the hint and what has several lines.
type people struct {
	*repeats
	flags *Flags
	group string // of the attributes to come, with a dot at its end
	attrs []slog.Attr
}

// Enabled implements [slog.Handler].
func (*people) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// WithAttrs implements [slog.Handler].
func (h *people) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	more.attrs = h.attrs[:len(h.attrs):len(h.attrs)]
	for _, a := range attrs {
		a.Key = h.group + a.Key
		more.attrs = append(more.attrs, a)
	}
	return &more
}

// WithGroup implements [slog.Handler].
func (h *people) WithGroup(name string) slog.Handler {
	more := *h
	more.group += name + "."
	return &more
}

// Handle implements [slog.Handler].
func (h *people) Handle(_ context.Context, r slog.Record) error {
	m := message{color: h.color(), text: r.Message, printed: !h.flags.Quiet}
	for _, a := range h.attrs {
		m.add("", a)
	}
	r.Attrs(func(a slog.Attr) bool { m.add(h.group, a); return true })
	return h.write(clock(m.color, r.Time), m.format(r.Level))
}

// message is a record as it is shown.
type message struct {
	color                     bool
	printed                   bool // what services write is shown beside it
	text                      string
	service, file, line, hint string
	failure                   string
	short                     []string // "key=value"
	below                     []string // lines
}

// add sorts an attribute, and those of a group one by one.
func (m *message) add(group string, a slog.Attr) {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, inner := range value.Group() {
			m.add(group, inner)
		}
		return
	}
	text := strings.TrimSpace(short(value))
	if text == "" {
		return
	}
	switch key := group + a.Key; {
	case key == "service" && m.service == "":
		m.service = text
	case key == "service" && text == m.service, key == "span_id", key == "last_lines" && m.printed:
	case key == "file" && m.file == "":
		m.file = text
	case key == "line" && m.line == "":
		m.line = text
	case key == "hint":
		m.hint = text
	case key == "error" && m.failure == "":
		m.failure = text
	case strings.Contains(text, "\n"):
		m.below = append(m.below, last(maxBelow, strings.Split(text, "\n"))...)
	default:
		m.short = append(m.short, paint(m.color, dim, clean(key, false)+"=")+clean(upTo(maxValue, text), false))
	}
}

// format returns the lines of the message.
func (m *message) format(level slog.Level) string {
	color := m.color
	name, style := "INFO ", green
	switch {
	case level >= slog.LevelError:
		name, style = "ERROR", bold+red
	case level >= slog.LevelWarn:
		name, style = "WARN ", yellow
	}
	text := strings.TrimPrefix(m.text, m.service+": ")
	if m.failure != "" && !strings.Contains(text, m.failure) {
		text += ": " + m.failure
	}
	all := strings.Split(strings.TrimSpace(upTo(maxText, text)), "\n")
	first := paint(color, style, name) + " "
	if place := m.place(); place != "" && !strings.Contains(all[0], place) {
		first += paint(color, dim, clean(place, false)+":") + " "
	}
	if m.service != "" {
		first += paint(color, bold, clean(m.service, false)+":") + " "
	}
	first += clean(all[0], false)
	if len(m.short) > 0 {
		first += "  " + strings.Join(m.short, " ")
	}
	shown := []string{first}
	for _, line := range append(all[1:], m.below...) {
		shown = append(shown, paint(color, dim, "  | ")+clean(line, color))
	}
	if m.hint != "" {
		shown = append(shown, paint(color, cyan, "  hint: ")+clean(m.hint, false))
	}
	return strings.Join(shown, "\n")
}

// place is the file and the line that a message is about.
func (m *message) place() string {
	if m.file == "" || m.line == "" || m.line == "0" {
		return m.file
	}
	return m.file + ":" + m.line
}

// short returns a value as it is shown.
func short(v slog.Value) string {
	switch value := v.Any().(type) {
	case time.Duration:
		return round(value).String()
	case time.Time:
		return value.Format(time.DateTime)
	case []string:
		shown := make([]string, 0, len(value))
		for _, text := range value {
			shown = append(shown, relative(text))
		}
		return strings.Join(shown, ", ")
	}
	return relative(v.String())
}

// round leaves a duration about three digits.
func round(d time.Duration) time.Duration {
	for unit := time.Second; unit >= time.Microsecond; unit /= 1000 {
		if d >= unit {
			return d.Round(unit / 100)
		}
	}
	return d
}

// relative returns a path below the working directory as seen from there, and any other text
// as it is.
func relative(text string) string {
	if !filepath.IsAbs(text) {
		return text
	}
	here, err := os.Getwd()
	if err != nil {
		return text
	}
	if path, err := filepath.Rel(here, text); err == nil && filepath.IsLocal(path) {
		return path
	}
	return text
}

// last returns the last n of lines, and how many there are before them.
func last(n int, lines []string) []string {
	if cut := len(lines) - n; cut > 0 {
		return append([]string{fmt.Sprintf("… %d lines more", cut)}, lines[cut:]...)
	}
	return lines
}
