package store

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
)

// traced are the settings of a database's spans: one for each statement inside of a
// recorded trace, with its text and without its values.
func traced(system, namespace string) []otelsql.Option {
	return []otelsql.Option{
		otelsql.WithTracerProvider(inherited{}),
		otelsql.WithAttributes(attribute.String("db.system.name", system), attribute.String("db.namespace", namespace)),
		otelsql.WithSpanNameFormatter(func(_ context.Context, method otelsql.Method, query string) string { return spanName(method, query) }),
		otelsql.WithSpanOptions(otelsql.SpanOptions{
			DisableErrSkip: true, OmitConnResetSession: true, OmitConnPrepare: true, OmitRows: true, OmitConnectorConnect: true,
			SpanFilter: func(ctx context.Context, method otelsql.Method, _ string, _ []driver.NamedValue) bool {
				return method != otelsql.MethodTxRollback && trace.SpanFromContext(ctx).IsRecording()
			},
		}),
	}
}

// spanName is a statement's verb and table. A transaction's beginning is its wait
// for those before it.
func spanName(method otelsql.Method, query string) string {
	switch method {
	case otelsql.MethodConnBeginTx:
		return "BEGIN"
	case otelsql.MethodTxCommit:
		return "COMMIT"
	}
	words := strings.Fields(query)
	if len(words) == 0 {
		return string(method)
	}
	for i, word := range words[:len(words)-1] {
		switch strings.ToUpper(word) {
		case "FROM", "INTO", "UPDATE":
			table, _, _ := strings.Cut(words[i+1], "(")
			return strings.ToUpper(words[0]) + " " + strings.Trim(table, "();,")
		}
	}
	if strings.Contains(query, "pg_advisory_xact_lock") {
		return "wait for transactions"
	}
	return strings.ToUpper(words[0])
}

// inherited makes spans by the provider of the span that they are in, and none
// outside of one: so that a store need not know of which service it is.
type inherited struct{ embedded.TracerProvider }

var _ trace.TracerProvider = inherited{}

// Tracer implements [trace.TracerProvider].
func (inherited) Tracer(string, ...trace.TracerOption) trace.Tracer { return inheritedTracer{} }

type inheritedTracer struct{ embedded.Tracer }

// Start implements [trace.Tracer].
func (inheritedTracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer("axion").Start(ctx, name, options...)
}

// source has [otelsql.WrapDriver] wrap a connector.
type source struct {
	driver.Driver
	connector driver.Connector
}

// OpenConnector implements [driver.DriverContext].
func (s source) OpenConnector(string) (driver.Connector, error) { return s.connector, nil }

// tracedConnector makes connections whose statements have spans.
func tracedConnector(c driver.Connector, namespace string) (driver.Connector, error) {
	return otelsql.WrapDriver(source{c.Driver(), c}, traced("postgresql", namespace)...).(driver.DriverContext).OpenConnector("")
}

// named is a connector under a driver that tells what kind of database it is.
type named struct {
	driver.Connector
	driver *postgres
}

// Driver implements [driver.Connector].
func (n named) Driver() driver.Driver { return n.driver }
