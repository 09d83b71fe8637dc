package middleware

import (
	"strconv"
	"strings"
)

// The content codings offered, by their names in headers. Their numbers index
// arrays.
const (
	codingGzip = iota
	codingBrotli
	codingZstd
	codings
	notCoded = -1
)

var codingNames = [codings]string{"gzip", "br", "zstd"}

// chooser picks the coding of answers.
type chooser struct {
	offered []int // preferred first, at least one
	unasked int   // where a client accepts any, and where it does not say; may be notCoded
}

// choose picks what the client likes best and, where it likes several the same,
// what is offered first. Like Traefik, it takes * before those named, and a client
// that sends no Accept-Encoding for one that accepts none (RFC 9110, 12.5.3).
func (c *chooser) choose(accept []string) int {
	if accept == nil {
		return c.unasked
	}
	weights, star, identity := parseAccept(accept)
	best, at := notCoded, max(identity, 0)
	for _, i := range c.offered {
		if w := weights[i]; w > at || w == at && w > 0 && best == notCoded {
			best, at = i, w
		}
	}
	if star > 0 && star >= at {
		return c.any(weights)
	}
	return best
}

// parseAccept is the weight of each coding, of * and of identity; -1 for what is not named.
func parseAccept(accept []string) (weights [codings]float64, star, identity float64) {
	weights, star, identity = [codings]float64{-1, -1, -1}, -1, -1
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			name, weight := weighted(item)
			switch name {
			case "*":
				star = weight
			case "identity":
				identity = weight
			default:
				for i, known := range codingNames {
					if strings.EqualFold(name, known) {
						weights[i] = weight
					}
				}
			}
		}
	}
	return weights, star, identity
}

// any picks for a client that accepts all but those of weight 0.
func (c *chooser) any(weights [codings]float64) int {
	if c.unasked != notCoded && weights[c.unasked] != 0 {
		return c.unasked
	}
	for _, i := range c.offered {
		if weights[i] != 0 {
			return i
		}
	}
	return notCoded
}

// weighted splits "gzip;q=0.5"; no weight means 1, one that is no number 0.
func weighted(item string) (name string, weight float64) {
	name, parameter, _ := strings.Cut(item, ";")
	name, parameter = strings.TrimSpace(name), strings.TrimSpace(parameter)
	if len(parameter) < 2 || !strings.EqualFold(parameter[:2], "q=") {
		return name, 1
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(parameter[2:]), 64)
	if err != nil || !(weight > 0) {
		return name, 0
	}
	return name, min(weight, 1)
}
