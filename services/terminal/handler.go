// Package terminal is how axion writes to people: its own messages, what services write, and what
// a stop waits for.
//
// No library of colourful slog handlers (lmittmann/tint, charmbracelet/log) writes the service
// before the message and the hint below it, leaves quotes alone, or counts what comes again:
// the handler is axion's own.
package terminal

import (
	"context"
	"log/slog"
)

// Handler is a [slog.Handler] that writes to a screen in the format of flags, which may be parsed
// after it is made. It is safe for concurrent use once they are.
type Handler struct {
	flags             *Flags
	terminal          bool
	text, json, human slog.Handler
	*repeats
}

// NewHandler returns the handler of a screen.
func NewHandler(s Screen, f *Flags) *Handler {
	r := &repeats{out: s, color: func() bool { return f.color(s) }, seen: map[string]*repeat{}}
	return &Handler{f, s.terminal, slog.NewTextHandler(s, nil), slog.NewJSONHandler(s, nil), &people{repeats: r, flags: f}, r}
}

// chosen is the handler of the format that the flags say.
func (h *Handler) chosen() slog.Handler {
	switch {
	case h.flags.format == formatJSON:
		return h.json
	case h.flags.format == formatText || !h.terminal:
		return h.text
	}
	return h.human
}

// Enabled implements [slog.Handler].
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.chosen().Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h *Handler) Handle(ctx context.Context, r slog.Record) error { return h.chosen().Handle(ctx, r) }

// WithAttrs implements [slog.Handler].
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{h.flags, h.terminal, h.text.WithAttrs(attrs), h.json.WithAttrs(attrs), h.human.WithAttrs(attrs), h.repeats}
}

// WithGroup implements [slog.Handler].
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.flags, h.terminal, h.text.WithGroup(name), h.json.WithGroup(name), h.human.WithGroup(name), h.repeats}
}
