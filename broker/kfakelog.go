package broker

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// kfakeLogger passes kfake's logs on. What kfake calls information is about single
// requests, which is debug to anyone else.
type kfakeLogger struct{ log *slog.Logger }

var _ kfake.Logger = kfakeLogger{}

// Logf implements [kfake.Logger].
func (c kfakeLogger) Logf(level kfake.LogLevel, format string, args ...any) {
	at := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		at = slog.LevelError
	case kfake.LogLevelWarn:
		at = slog.LevelWarn
	}
	ctx := context.Background()
	if c.log.Enabled(ctx, at) {
		c.log.Log(ctx, at, "broker: "+fmt.Sprintf(format, args...))
	}
}
