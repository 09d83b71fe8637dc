package signals

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/web/telemetry"
)

// file answers all lines that match as a file: one line of text each, or one JSON object.
func (l Logs) file(_ context.Context, in *struct {
	LogFilter
	Format string `query:"format" enum:"text,json" default:"text" doc:"One line of text each, or one JSON object."`
}) (*huma.StreamResponse, error) {
	lines, _, _, _ := l.Ring.List(in.filter(), math.MaxInt)
	write, kind, extension := writeText, "text/plain; charset=utf-8", "log"
	if in.Format == "json" {
		write, kind, extension = writeJSON, "application/jsonl", "jsonl"
	}
	name := notInFileNames.ReplaceAllString(in.Service, "-")
	if name == "" {
		name = "axion"
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", kind)
		ctx.SetHeader("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name+"."+extension))
		ctx.SetHeader("X-Content-Type-Options", "nosniff")
		to := bufio.NewWriter(ctx.BodyWriter())
		for i := range lines {
			if write(to, &lines[i]) != nil {
				return // whoever asked is gone
			}
		}
		_ = to.Flush()
	}}, nil
}

// notInFileNames is what a service's name may have that a file's should not.
var notInFileNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func writeJSON(to io.Writer, line *telemetry.Log) error { return json.NewEncoder(to).Encode(line) }

// controls are a terminal's control sequences (ECMA-48, 5.4 and 5.6), and other characters
// that are no text.
var controls = regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(\x07|\x1b\\\\)?|[\x00-\x08\x0b-\x1f\x7f]")

func writeText(to io.Writer, line *telemetry.Log) error {
	var attributes strings.Builder
	for _, name := range slices.Sorted(maps.Keys(line.Attributes)) {
		fmt.Fprintf(&attributes, " %s=%v", name, line.Attributes[name])
	}
	if line.TraceID != "" {
		fmt.Fprintf(&attributes, " trace_id=%s", line.TraceID)
	}
	_, err := fmt.Fprintf(to, "%s %-5s %s %s\n", line.Time.UTC().Format(time.RFC3339Nano), line.Level, line.Service,
		controls.ReplaceAllString(line.Message+attributes.String(), ""))
	return err
}
