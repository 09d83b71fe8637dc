package store

import (
	"context"
	"database/sql/driver"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// waitName is the name of a span of waiting for who writes.
const waitName = "wait for transactions"

// spans are those of a database's statements: one for each inside of a recorded trace,
// with its text and without its values, and one for each commit.
type spans struct {
	attributes []attribute.KeyValue
	commit     *description
}

func newSpans(system, namespace string) *spans {
	s := &spans{attributes: []attribute.KeyValue{attribute.String("db.system.name", system), attribute.String("db.namespace", namespace)}}
	s.commit = &description{"COMMIT", s.options(s.attributes...)}
	return s
}

// options are made once for all spans of a statement.
func (s *spans) options(attributes ...attribute.KeyValue) []trace.SpanStartOption {
	return []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...)}
}

// description is what the spans of one statement have in common.
type description struct {
	name    string
	options []trace.SpanStartOption
}

func (s *spans) describe(query string) *description {
	text := attribute.String("db.query.text", query)
	return &description{spanName(query), s.options(append(s.attributes[:len(s.attributes):len(s.attributes)], text)...)}
}

// start begins a span, by the provider of the span that it is in, so that a store need
// not know of which service it is. Outside of a recorded trace it is nil.
func (d *description) start(ctx context.Context) trace.Span {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return nil
	}
	_, span := parent.TracerProvider().Tracer("axion").Start(ctx, d.name, d.options...)
	return span
}

// endSpan ends a span, where there is one, of what came to err.
func endSpan(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// spanName is a statement's verb and table.
func spanName(query string) string {
	words := strings.Fields(query)
	if len(words) == 0 {
		return "statement"
	}
	for i, word := range words[:len(words)-1] {
		switch strings.ToUpper(word) {
		case "FROM", "INTO", "UPDATE":
			table, _, _ := strings.Cut(words[i+1], "(")
			return strings.ToUpper(words[0]) + " " + strings.Trim(table, "();,")
		}
	}
	if strings.Contains(query, "pg_advisory_xact_lock") {
		return waitName
	}
	return strings.ToUpper(words[0])
}

// tracedTx has a span for its commit.
type tracedTx struct {
	driver.Tx
	ctx   context.Context // of the transaction
	spans *spans
}

// Commit implements [driver.Tx].
func (t tracedTx) Commit() error {
	span := t.spans.commit.start(t.ctx)
	err := t.Tx.Commit()
	endSpan(span, err)
	return err
}
