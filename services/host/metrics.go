package host

import (
	"context"
	"database/sql"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"axion/services/store"
)

// openMetrics returns the provider of the service's metrics, and the handler of /metrics.
func (o Options) openMetrics(name string) (metric.MeterProvider, http.Handler) {
	if o.Metrics == nil {
		return noop.NewMeterProvider(), nil
	}
	return o.Metrics(name, o.Listener.Addr().String())
}

// requestMetrics times HTTP requests by OpenTelemetry's conventions.
type requestMetrics struct {
	duration metric.Float64Histogram
	sets     sync.Map // of request to []metric.RecordOption
}

// requestLabels are the attributes of requests that are counted together.
type requestLabels struct {
	method, route string
	status        int
}

func newRequests(meter metric.Meter) *requestMetrics {
	duration, err := meter.Float64Histogram("http.server.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of HTTP server requests."))
	if err != nil {
		panic(err) // a name that no instrument can have
	}
	return &requestMetrics{duration: duration}
}

// measure times the requests to next. WebSockets, which last as long as their client, are
// not among them.
func (q *requestMetrics) measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, rec := time.Now(), &recorder{ResponseWriter: w}
		defer q.record(r, rec, began)
		next.ServeHTTP(rec, r)
	})
}

// record records a request that was answered, though its client may be gone.
func (q *requestMetrics) record(r *http.Request, rec *recorder, began time.Time) {
	if rec.status == http.StatusSwitchingProtocols {
		return
	}
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	q.duration.Record(context.WithoutCancel(r.Context()), time.Since(began).Seconds(),
		q.attributes(requestLabels{knownMethod(r.Method), rec.route, rec.status})...)
}

// attributes returns the attributes of a request, which are made once.
func (q *requestMetrics) attributes(r requestLabels) []metric.RecordOption {
	if found, ok := q.sets.Load(r); ok {
		return found.([]metric.RecordOption)
	}
	list := []attribute.KeyValue{attribute.String("http.request.method", r.method), attribute.Int("http.response.status_code", r.status)}
	if r.route != "" {
		list = append(list, attribute.String("http.route", r.route))
	}
	if r.status >= http.StatusInternalServerError {
		list = append(list, attribute.String("error.type", strconv.Itoa(r.status)))
	}
	made, _ := q.sets.LoadOrStore(r, []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(list...))})
	return made.([]metric.RecordOption)
}

// knownMethod bounds the values of an attribute: a client may send any method.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "_OTHER"
}

// routeOf is the path of a pattern: "GET /api/projects/{id}" is "/api/projects/{id}".
func routeOf(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok {
		return path
	}
	return pattern
}

// observePool registers the metrics of the database's connections, by OpenTelemetry's
// conventions for databases.
func observePool(meter metric.Meter, db *sql.DB, name string) {
	count, err := meter.Int64ObservableUpDownCounter("db.client.connection.count", metric.WithUnit("{connection}"),
		metric.WithDescription("The number of connections that are currently in state described by the state attribute."))
	most, errMost := meter.Int64ObservableUpDownCounter("db.client.connection.max", metric.WithUnit("{connection}"),
		metric.WithDescription("The maximum number of open connections allowed."))
	waited, errWaited := meter.Float64ObservableCounter("axion.db.wait.duration", metric.WithUnit("s"),
		metric.WithDescription("How long statements have waited for a connection or for their turn to write, in all."))
	pool := attribute.String("db.client.connection.pool.name", name)
	idle := metric.WithAttributeSet(attribute.NewSet(pool, attribute.String("db.client.connection.state", "idle")))
	used := metric.WithAttributeSet(attribute.NewSet(pool, attribute.String("db.client.connection.state", "used")))
	whole := metric.WithAttributeSet(attribute.NewSet(pool))
	_, errCallback := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		stats := store.Stats(db)
		o.ObserveInt64(count, int64(stats.Idle), idle)
		o.ObserveInt64(count, int64(stats.InUse), used)
		o.ObserveInt64(most, int64(stats.MaxOpenConnections), whole)
		o.ObserveFloat64(waited, stats.WaitDuration.Seconds(), whole)
		return nil
	}, count, most, waited)
	for _, err := range []error{err, errMost, errWaited, errCallback} {
		if err != nil {
			panic(err) // a name that no instrument can have
		}
	}
}
