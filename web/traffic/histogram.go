package traffic

import (
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// histogram is how many took up to how long, cumulated, as Prometheus has it. All
// that are added have the same bounds; of others the first ones count.
type histogram struct {
	bounds []float64 // seconds, ascending
	counts []float64
	n      float64
}

func (h *histogram) add(m *dto.Histogram) {
	o := histogram{n: float64(m.GetSampleCount())}
	for _, b := range m.GetBucket() {
		o.bounds = append(o.bounds, b.GetUpperBound())
		o.counts = append(o.counts, float64(b.GetCumulativeCount()))
	}
	h.merge(o)
}

func (h *histogram) merge(o histogram) {
	if h.bounds == nil {
		h.bounds, h.counts = o.bounds, make([]float64, len(o.bounds))
	}
	if !slices.Equal(h.bounds, o.bounds) {
		return
	}
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.n += o.n
}

func (h histogram) since(before histogram) histogram {
	if !slices.Equal(h.bounds, before.bounds) {
		return h
	}
	d := histogram{bounds: h.bounds, counts: make([]float64, len(h.counts)), n: max(0, h.n-before.n)}
	for i := range h.counts {
		d.counts[i] = max(0, h.counts[i]-before.counts[i])
	}
	return d
}

// median is in milliseconds, between the bounds of the bucket that holds it; nil
// where nothing was timed. Beyond the last bound it is that bound.
func (h histogram) median() *float64 {
	if h.n == 0 || len(h.bounds) == 0 {
		return nil
	}
	rank, low, below := h.n/2, 0.0, 0.0
	ms := h.bounds[len(h.bounds)-1] * 1000
	for i, count := range h.counts {
		if count >= rank {
			ms = low
			if in := count - below; in > 0 {
				ms += (h.bounds[i] - low) * (rank - below) / in
			}
			ms *= 1000
			break
		}
		low, below = h.bounds[i], count
	}
	return &ms
}
