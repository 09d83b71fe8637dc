// Package zaplog has a library that logs by zap log by slog.
package zaplog

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// New gives a logger whose warnings and errors go to log; the rest is dropped.
func New(log *slog.Logger) *zap.Logger { return zap.New(bridge{log}) }

type bridge struct{ log *slog.Logger }

var _ zapcore.Core = bridge{}

func (bridge) Enabled(level zapcore.Level) bool { return level >= zapcore.WarnLevel }

func (b bridge) With(fields []zapcore.Field) zapcore.Core {
	return bridge{b.log.With(attributes(fields)...)}
}

func (b bridge) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if b.Enabled(e.Level) {
		return to.AddCore(e, b)
	}
	return to
}

func (b bridge) Write(e zapcore.Entry, fields []zapcore.Field) error {
	level := slog.LevelWarn
	if e.Level > zapcore.WarnLevel {
		level = slog.LevelError
	}
	b.log.Log(context.Background(), level, e.Message, attributes(fields)...)
	return nil
}

func (bridge) Sync() error { return nil }

func attributes(fields []zapcore.Field) []any {
	to := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(to)
	}
	attrs := make([]any, 0, len(to.Fields))
	for key, value := range to.Fields {
		attrs = append(attrs, slog.Any(key, value))
	}
	return attrs
}
