package traffic

import (
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// way is what an edge is known by.
type way struct {
	from, to string
	hop      Hop
}

// tally is what has passed a way since counters began.
type tally struct {
	n, errors float64
	timed     histogram
	at        time.Time // when n was so, where that is not the sample's time
}

// sample is what the counters said at one time.
type sample struct {
	at        time.Time
	ways      map[way]*tally
	instances map[string]map[string]bool // by service
	held, lag map[string]int64           // by topic
	sockets   int64
}

func (s *sample) way(from, to string, hop Hop) *tally {
	key := way{from, to, hop}
	t := s.ways[key]
	if t == nil {
		t = &tally{}
		s.ways[key] = t
	}
	return t
}

// foreign is how many messages of a topic came from none of our own parts. Those
// count a message once the broker has acknowledged it, so that the topic's end is
// compared with what they have counted some looks later: that makes nobody up, on a
// machine that is short of time either.
type foreign struct {
	began, most float64
	produced    [3]ended // at the last looks, newest first
}

// ended is how many messages a topic was ever given, at one time.
type ended struct {
	n  float64
	at time.Time
}

// maxForeign bounds the topics that are remembered while the broker tells nothing of
// them.
const maxForeign = 1_000

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

// reading is a sample while it is being made.
type reading struct {
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
	r := &reading{
		sample: &sample{at: time.Now(), ways: map[way]*tally{}, instances: map[string]map[string]bool{}, held: map[string]int64{}, lag: map[string]int64{}},
		names:  map[string]string{}, produced: map[string]float64{}, sent: map[string]float64{},
	}
	for _, route := range routes {
		r.names[route.Service] = route.Name
	}
	for _, family := range families {
		take := takers[family.GetName()]
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
	m.others(r)
	return r.sample, nil
}

// takers read the metrics that the map is drawn from, by their names.
var takers = map[string]func(*reading, labels, *dto.Metric){
	"http_server_request_duration_seconds":     (*reading).request,
	"messaging_client_sent_messages_total":     (*reading).send,
	"messaging_client_consumed_messages_total": (*reading).consume,
	"messaging_process_duration_seconds":       (*reading).process,
	"axion_websocket_sent_messages_total":      (*reading).push,
	"axion_websocket_connections":              (*reading).open,
	"kafka_topic_messages_total":               func(r *reading, l labels, m *dto.Metric) { r.produced[l.topic()] = m.GetCounter().GetValue() },
	"kafka_topic_kept":                         func(r *reading, l labels, m *dto.Metric) { r.held[l.topic()] = int64(m.GetGauge().GetValue()) },
	"kafka_consumer_group_lag_sum":             func(r *reading, l labels, m *dto.Metric) { r.lag[l.topic()] += int64(m.GetGauge().GetValue()) },
	"kafka_consumer_group_offset_sum": func(r *reading, l labels, m *dto.Metric) {
		r.groups = append(r.groups, groupAt{l.group(), l.topic(), m.GetGauge().GetValue()})
	},
}

// request counts what the gateway has answered. What the services themselves say of
// it would count it twice.
func (r *reading) request(l labels, m *dto.Metric) {
	if l["traefik_entrypoint"] == "" {
		return
	}
	failed := l["error_type"] != "" || l["traefik_router"] == ""
	add := func(t *tally) {
		n := float64(m.GetHistogram().GetSampleCount())
		t.n += n
		if failed {
			t.errors += n
		}
		if l["network_protocol_name"] != "websocket" { // which lasts for as long as its client likes
			t.timed.add(m.GetHistogram())
		}
	}
	add(r.way(client, gateway, HopHTTP))
	if name := l["traefik_service"]; name != "" {
		add(r.way(gateway, service(r.nameOf(name)), HopHTTP))
	}
}

// nameOf is the compose service behind one of the gateway's table.
func (r *reading) nameOf(tabled string) string {
	if name := r.names[tabled]; name != "" {
		return name
	}
	name, _, _ := strings.Cut(tabled, "@")
	return name
}

func (r *reading) send(l labels, m *dto.Metric) {
	t, n := r.way(service(l["service_name"]), topic(l.topic()), HopKafka), m.GetCounter().GetValue()
	t.n += n
	if l["error_type"] != "" {
		t.errors += n
	} else {
		r.sent[l.topic()] += n
	}
}

func (r *reading) consume(l labels, m *dto.Metric) {
	r.way(topic(l.topic()), service(l["service_name"]), HopKafka).n += m.GetCounter().GetValue()
}

func (r *reading) process(l labels, m *dto.Metric) {
	t := r.way(topic(l.topic()), service(l["service_name"]), HopKafka)
	t.timed.add(m.GetHistogram())
	if l["error_type"] != "" {
		t.errors += float64(m.GetHistogram().GetSampleCount())
	}
}

func (r *reading) push(l labels, m *dto.Metric) {
	r.way(service(l["service_name"]), client, HopWebSocket).n += m.GetCounter().GetValue()
}

func (r *reading) open(l labels, m *dto.Metric) {
	r.sockets += int64(m.GetGauge().GetValue())
	r.way(service(l["service_name"]), client, HopWebSocket)
}

// peers counts what the groups have read that count nothing here, by what they have
// committed; for those that do it makes sure of the way.
func (r *reading) peers() {
	for _, g := range r.groups {
		name := g.group
		for _, suffix := range []string{"-server", "-client"} { // as NestJS names groups
			name = strings.TrimSuffix(name, suffix)
		}
		if r.instances[name] != nil {
			r.way(topic(g.topic), service(name), HopKafka)
			continue
		}
		to := peer(g.group)
		if name != g.group {
			to = service(name)
		}
		r.way(topic(g.topic), to, HopKafka).n += g.offset
	}
}

// others counts what topics were given by none of our own parts.
func (m *Monitor) others(r *reading) {
	for name := range m.foreign {
		if _, there := r.produced[name]; !there && len(m.foreign) > maxForeign {
			delete(m.foreign, name) // for good, most likely: the broker may only have been slow
		}
	}
	for name, produced := range r.produced {
		f := m.foreign[name]
		if f == nil {
			f = &foreign{}
			if len(m.samples) == 0 { // what was there before is nobody's
				f.began = produced - r.sent[name]
			}
			f.most = f.began
			m.foreign[name] = f
		}
		was := f.produced[2]
		f.most = max(f.most, was.n-r.sent[name])
		f.produced = [3]ended{{produced, r.at}, f.produced[0], f.produced[1]}
		if n := f.most - f.began; n > 0 {
			t := r.way(others, topic(name), HopKafka)
			t.n, t.at = n, was.at
		}
	}
}

// since is what has passed between two tallies of one way.
func (t *tally) since(before *tally) tally {
	if before == nil {
		return *t
	}
	return tally{n: max(0, t.n-before.n), errors: max(0, t.errors-before.errors), timed: t.timed.since(before.timed)}
}

// plus adds another way's.
func (t *tally) plus(o tally) {
	t.n += o.n
	t.errors += o.errors
	t.timed.merge(o.timed)
}
