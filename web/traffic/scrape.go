package traffic

import (
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// edgeKey is what an edge is known by.
type edgeKey struct {
	from, to string
	hop      Hop
}

// edgeCounters is what has passed a way since counters began.
type edgeCounters struct {
	n, errors float64
	durations histogram
	at        time.Time // when n was so, where that is not the sample's time
}

// sample is what the counters said at one time.
type sample struct {
	at            time.Time
	edges         map[edgeKey]*edgeCounters
	instances     map[string]map[string]bool // by service
	retained, lag map[string]int64           // by topic
	sockets       int64
}

func (s *sample) counters(from, to string, hop Hop) *edgeCounters {
	key := edgeKey{from, to, hop}
	t := s.edges[key]
	if t == nil {
		t = &edgeCounters{}
		s.edges[key] = t
	}
	return t
}

// externalProducer is how many messages of a topic came from none of our own parts. Those
// count a message once the broker has acknowledged it, so that the topic's end is
// compared with what they have counted some looks later: that makes nobody up, on a
// machine that is short of time either.
type externalProducer struct {
	began, most float64
	produced    [3]topicEnd // at the last looks, newest first
}

// topicEnd is how many messages a topic was ever given, at one time.
type topicEnd struct {
	n  float64
	at time.Time
}

// maxExternalTopics bounds the topics that are remembered while the broker says nothing of
// them.
const maxExternalTopics = 1_000

// labels are those of one metric.
type labels map[string]string

func labelsOf(m *dto.Metric) labels {
	l := make(labels, len(m.GetLabel()))
	for _, pair := range m.GetLabel() {
		l[pair.GetName()] = pair.GetValue()
	}
	return l
}

func (l labels) topic() string { return l["messaging_destination_name"] }
func (l labels) group() string { return l["messaging_consumer_group_name"] }

// scrape is a sample while it is being made.
type scrape struct {
	*sample
	names          map[string]string  // of compose services, by the table's
	produced, sent map[string]float64 // by topic
	groups         []groupAt
}

// groupAt is how far a group has come in a topic.
type groupAt struct {
	group, topic string
	offset       float64
}

// read reads all counters. What cannot be read is left out.
func (m *Monitor) read(routes []Route) (*sample, error) {
	families, err := m.opts.Metrics.Gather()
	if len(families) == 0 && err != nil {
		return nil, err
	}
	r := &scrape{
		sample: &sample{at: time.Now(), edges: map[edgeKey]*edgeCounters{}, instances: map[string]map[string]bool{}, retained: map[string]int64{},
			lag: map[string]int64{}},
		names: map[string]string{}, produced: map[string]float64{}, sent: map[string]float64{},
	}
	for _, route := range routes {
		r.names[route.Service] = route.Name
	}
	for _, family := range families {
		take := metricReaders[family.GetName()]
		if take == nil {
			continue
		}
		for _, metric := range family.GetMetric() {
			l := labelsOf(metric)
			if name, instance := l["service_name"], l["service_instance_id"]; instance != "" {
				if r.instances[name] == nil {
					r.instances[name] = map[string]bool{}
				}
				r.instances[name][instance] = true
			}
			take(r, l, metric)
		}
	}
	r.peers()
	m.countExternal(r)
	return r.sample, nil
}

// metricReaders read the metrics that the map is drawn from, by their names.
var metricReaders = map[string]func(*scrape, labels, *dto.Metric){
	"http_server_request_duration_seconds":     (*scrape).request,
	"messaging_client_sent_messages_total":     (*scrape).send,
	"messaging_client_consumed_messages_total": (*scrape).consume,
	"messaging_process_duration_seconds":       (*scrape).process,
	"axion_websocket_sent_messages_total":      (*scrape).push,
	"axion_websocket_connections":              (*scrape).open,
	"kafka_topic_messages_total":               func(r *scrape, l labels, m *dto.Metric) { r.produced[l.topic()] = m.GetCounter().GetValue() },
	"kafka_topic_kept": func(r *scrape, l labels,
		m *dto.Metric) {
		r.retained[l.topic()] = int64(m.GetGauge().GetValue())
	},
	"kafka_consumer_group_lag_sum": func(r *scrape, l labels, m *dto.Metric) { r.lag[l.topic()] += int64(m.GetGauge().GetValue()) },
	"kafka_consumer_group_offset_sum": func(r *scrape, l labels, m *dto.Metric) {
		r.groups = append(r.groups, groupAt{l.group(), l.topic(), m.GetGauge().GetValue()})
	},
}

// request counts what the gateway has answered. What the services themselves say of
// it would count it twice.
func (r *scrape) request(l labels, m *dto.Metric) {
	if l["traefik_entrypoint"] == "" {
		return
	}
	failed := l["error_type"] != "" || l["traefik_router"] == ""
	add := func(t *edgeCounters) {
		n := float64(m.GetHistogram().GetSampleCount())
		t.n += n
		if failed {
			t.errors += n
		}
		if l["network_protocol_name"] != "websocket" { // which lasts for as long as its client likes
			t.durations.add(m.GetHistogram())
		}
	}
	add(r.counters(client, gateway, HopHTTP))
	if name := l["traefik_service"]; name != "" {
		add(r.counters(gateway, service(r.nameOf(name)), HopHTTP))
	}
}

// nameOf is the compose service behind one of the gateway's table.
func (r *scrape) nameOf(tabled string) string {
	if name := r.names[tabled]; name != "" {
		return name
	}
	name, _, _ := strings.Cut(tabled, "@")
	return name
}

func (r *scrape) send(l labels, m *dto.Metric) {
	t, n := r.counters(service(l["service_name"]), topic(l.topic()), HopKafka), m.GetCounter().GetValue()
	t.n += n
	if l["error_type"] != "" {
		t.errors += n
	} else {
		r.sent[l.topic()] += n
	}
}

func (r *scrape) consume(l labels, m *dto.Metric) {
	r.counters(topic(l.topic()), service(l["service_name"]), HopKafka).n += m.GetCounter().GetValue()
}

func (r *scrape) process(l labels, m *dto.Metric) {
	t := r.counters(topic(l.topic()), service(l["service_name"]), HopKafka)
	t.durations.add(m.GetHistogram())
	if l["error_type"] != "" {
		t.errors += float64(m.GetHistogram().GetSampleCount())
	}
}

func (r *scrape) push(l labels, m *dto.Metric) {
	r.counters(service(l["service_name"]), client, HopWebSocket).n += m.GetCounter().GetValue()
}

func (r *scrape) open(l labels, m *dto.Metric) {
	r.sockets += int64(m.GetGauge().GetValue())
	r.counters(service(l["service_name"]), client, HopWebSocket)
}

// peers counts what the groups have read that count nothing here, by what they have
// committed; for those that do it makes sure of the way.
func (r *scrape) peers() {
	for _, g := range r.groups {
		name := g.group
		for _, suffix := range []string{"-server", "-client"} { // as NestJS names groups
			name = strings.TrimSuffix(name, suffix)
		}
		if r.instances[name] != nil {
			r.counters(topic(g.topic), service(name), HopKafka)
			continue
		}
		to := peer(g.group)
		if name != g.group {
			to = service(name)
		}
		r.counters(topic(g.topic), to, HopKafka).n += g.offset
	}
}

// countExternal counts what topics were given by none of our own parts.
func (m *Monitor) countExternal(r *scrape) {
	for name := range m.externalProducers {
		if _, there := r.produced[name]; !there && len(m.externalProducers) > maxExternalTopics {
			delete(m.externalProducers, name) // for good, most likely: the broker may only have been slow
		}
	}
	for name, produced := range r.produced {
		f := m.externalProducers[name]
		if f == nil {
			f = &externalProducer{}
			if len(m.samples) == 0 { // what was there before is nobody's
				f.began = produced - r.sent[name]
			}
			f.most = f.began
			m.externalProducers[name] = f
		}
		was := f.produced[2]
		f.most = max(f.most, was.n-r.sent[name])
		f.produced = [3]topicEnd{{produced, r.at}, f.produced[0], f.produced[1]}
		if n := f.most - f.began; n > 0 {
			t := r.counters(otherProducers, topic(name), HopKafka)
			t.n, t.at = n, was.at
		}
	}
}

// since is what has passed between two tallies of one way.
func (t *edgeCounters) since(before *edgeCounters) edgeCounters {
	if before == nil {
		return *t
	}
	return edgeCounters{n: max(0, t.n-before.n), errors: max(0, t.errors-before.errors), durations: t.durations.since(before.durations)}
}

// add adds another way's.
func (t *edgeCounters) add(o edgeCounters) {
	t.n += o.n
	t.errors += o.errors
	t.durations.merge(o.durations)
}
