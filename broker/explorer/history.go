package explorer

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"axion/broker/admin"
	"axion/web/view"
)

const (
	// maxSamples is fifteen minutes of them; maxSeries bounds what is kept: the
	// lag of so many partitions, 2.4 KB each.
	maxSamples = 300
	maxSeries  = 1000
	// rateSamples is over how many samples a rate is taken.
	rateSamples = 4
	unknownLag  = -1
)

// seriesKey names the lag of a group in a partition.
type seriesKey struct {
	Group     string `json:"group"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

func (a seriesKey) compare(b seriesKey) int {
	return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

// totals is how many records each topic has ever got, at a time.
type totals struct {
	at      time.Time
	byTopic map[string]int64
}

// history is the samples of the last fifteen minutes, in memory. It is safe for
// concurrent use.
type history struct {
	mu     sync.Mutex
	n      int // samples ever taken
	times  [maxSamples]int64
	lags   map[seriesKey]*[maxSamples]int64
	totals []totals // the last few
	sizes  map[string]int64
	// updated is closed at the next sample.
	updated chan struct{}
}

func newHistory() *history {
	return &history{lags: map[seriesKey]*[maxSamples]int64{}, updated: make(chan struct{})}
}

// add adds one sample.
func (h *history) add(at time.Time, topics []admin.Topic, groups []admin.GroupDetail, sizes map[string]int64) {
	sums := totals{at: at, byTopic: map[string]int64{}}
	for _, t := range topics {
		for _, p := range t.Partitions {
			sums.byTopic[t.Name] += p.End
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	slot := h.n % maxSamples
	h.n++
	h.times[slot] = at.UnixMilli()
	h.sizes = sizes
	h.totals = append(h.totals, sums)
	h.totals = h.totals[max(0, len(h.totals)-rateSamples):]
	for key, lags := range h.lags {
		lags[slot] = unknownLag
		if h.n%maxSamples == 0 && slices.Max(lags[:]) == unknownLag {
			delete(h.lags, key) // the group is gone
		}
	}
	for _, g := range groups {
		for _, p := range g.Partitions {
			h.set(seriesKey{g.Name, p.Topic, p.Partition}, slot, p.Lag)
		}
	}
	close(h.updated)
	h.updated = make(chan struct{})
}

func (h *history) set(key seriesKey, slot int, lag int64) {
	lags := h.lags[key]
	if lags == nil {
		if len(h.lags) == maxSeries {
			return
		}
		lags = new([maxSamples]int64)
		for i := range lags {
			lags[i] = unknownLag
		}
		h.lags[key] = lags
	}
	lags[slot] = lag
}

// states adds what the last sample has.
func (h *history) states(topics []admin.Topic) []view.Topic {
	h.mu.Lock()
	defer h.mu.Unlock()
	groups := map[string]map[string]int64{}
	if h.n > 0 {
		slot := (h.n - 1) % maxSamples
		for key, lags := range h.lags {
			if lags[slot] == unknownLag {
				continue
			}
			if groups[key.Topic] == nil {
				groups[key.Topic] = map[string]int64{}
			}
			groups[key.Topic][key.Group] += lags[slot]
		}
	}
	states := make([]view.Topic, len(topics))
	for i, t := range topics {
		states[i] = view.Topic{Name: t.Name, Messages: t.Messages, Partitions: t.Partitions, Internal: t.Internal,
			Rate: h.rate(t.Name), Groups: []view.TopicGroup{}}
		if size, ok := h.sizes[t.Name]; ok {
			states[i].Bytes = &size
		}
		for _, name := range slices.Sorted(maps.Keys(groups[t.Name])) {
			states[i].Groups = append(states[i].Groups, view.TopicGroup{Name: name, Lag: groups[t.Name][name]})
		}
	}
	return states
}

// rate is in records a second, with one decimal.
func (h *history) rate(topic string) float64 {
	if len(h.totals) < 2 {
		return 0
	}
	first, last := h.totals[0], h.totals[len(h.totals)-1]
	before, known := first.byTopic[topic]
	took := last.at.Sub(first.at).Seconds()
	if !known || took <= 0 {
		return 0
	}
	return math.Round(float64(max(last.byTopic[topic]-before, 0))/took*10) / 10
}

// LagSeries is the lag of a group in a partition over time: a value for each of
// the times beside it, -1 where it is not known.
type LagSeries struct {
	seriesKey
	Lag []int64 `json:"lag"`
}

// LagHistory is the lag of some groups over the last fifteen minutes.
type LagHistory struct {
	Times  []int64     `json:"times"` // in milliseconds since 1970, oldest first
	Series []LagSeries `json:"series"`
	// Left is how many series were left out: only so many can be distinguished.
	Left int `json:"left,omitempty"`
}

// maxShown bounds the series of one [LagHistory].
const maxShown = 64

// series gives the lag of one group, or of all on one topic; empty names any. updated
// is closed once there is more.
func (h *history) series(group, topic string) (lags LagHistory, updated <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := max(0, h.n-maxSamples)
	lags = LagHistory{Times: make([]int64, 0, h.n-first), Series: []LagSeries{}}
	for i := first; i < h.n; i++ {
		lags.Times = append(lags.Times, h.times[i%maxSamples])
	}
	for _, key := range slices.SortedFunc(maps.Keys(h.lags), seriesKey.compare) {
		if group != "" && key.Group != group || topic != "" && key.Topic != topic {
			continue
		}
		if len(lags.Series) == maxShown {
			lags.Left++
			continue
		}
		series := LagSeries{seriesKey: key, Lag: make([]int64, 0, len(lags.Times))}
		for i := first; i < h.n; i++ {
			series.Lag = append(series.Lag, h.lags[key][i%maxSamples])
		}
		lags.Series = append(lags.Series, series)
	}
	return lags, h.updated
}
