package conn

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// logInterval is the least time between two equal warnings of kgo: while the broker is
// away it logs the same ones many times a second.
const logInterval = 5 * time.Second

// clientLog writes kgo's warnings and errors to a log.
type clientLog struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[string]time.Time // by message; kgo's are constants
}

func (*clientLog) Level() kgo.LogLevel { return kgo.LogLevelWarn }

func (l *clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if l.repeated(msg) {
		return
	}
	to := slog.LevelWarn
	if level == kgo.LogLevelError {
		to = slog.LevelError
	}
	l.log.Log(context.Background(), to, msg, keyvals...)
}

func (l *clientLog) repeated(msg string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.last[msg]) < logInterval {
		return true
	}
	l.last[msg] = now
	return false
}
