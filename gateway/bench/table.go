package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// printTable writes the medians of one mode, and how ours compares.
func printTable(out io.Writer, m mode, proxies []*proxy, samples map[string][]sample) {
	fmt.Fprintf(out, "\n%s: %s\n", m.name, m.about)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "proxy\treq/s\tours is\tp50\tp99\tCPU s/100k\tmemory MB")
	mine := medianOf(samples[ours])
	for _, p := range proxies {
		s := medianOf(samples[p.name])
		ratio := "-"
		if p.name != ours && s.perSec > 0 {
			ratio = fmt.Sprintf("%.2f x", mine.perSec/s.perSec)
		}
		fmt.Fprintf(w, "%s\t%.0f\t%s\t%s\t%s\t%.2f\t%.0f\n", p.name, s.perSec, ratio,
			s.p50.Round(10*time.Microsecond), s.p99.Round(10*time.Microsecond), s.cpu, s.memory)
	}
	_ = w.Flush()
}

// medianOf takes each figure's median by itself.
func medianOf(list []sample) sample {
	if len(list) == 0 {
		return sample{}
	}
	of := func(get func(sample) float64) float64 {
		var values []float64
		for _, s := range list {
			values = append(values, get(s))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return sample{
		perSec: of(func(s sample) float64 { return s.perSec }),
		p50:    time.Duration(of(func(s sample) float64 { return float64(s.p50) })),
		p99:    time.Duration(of(func(s sample) float64 { return float64(s.p99) })),
		cpu:    of(func(s sample) float64 { return s.cpu }),
		memory: of(func(s sample) float64 { return s.memory }),
	}
}
