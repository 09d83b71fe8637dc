package config

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// labelName is what Prometheus takes for a label's name; those that begin with two
// underscores are its own.
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

var metricLabels = []string{"code", "method", "protocol", "entrypoint", "router", "service"}

// Mistakes are what nothing can be counted with: buckets that do not grow, and labels
// that cannot be one. The label of each is the field, such as headerLabels.tenant. Nil
// is fine.
func (p *Prometheus) Mistakes() []Problem {
	if p == nil {
		return nil
	}
	var list []Problem
	mistake := func(field, message, hint string) {
		list = append(list, Problem{Severity: Error, Label: field, Message: message, Fix: hint})
	}
	for i, b := range p.Buckets {
		if math.IsNaN(b) || i > 0 && b <= p.Buckets[i-1] {
			mistake("buckets", fmt.Sprintf("%v follows %v", b, p.Buckets[max(i-1, 0)]), "write numbers that grow, such as 0.1,0.3,1.2,5")
			break
		}
	}
	for _, label := range slices.Sorted(maps.Keys(p.HeaderLabels)) {
		field := "headerLabels." + label
		switch {
		case !labelName.MatchString(label) || strings.HasPrefix(label, "__"):
			mistake(field, fmt.Sprintf("%q cannot be a label's name", label), "write letters, digits and underscores")
		case slices.Contains(metricLabels, label):
			mistake(field, fmt.Sprintf("the label %q is there already", label), "give it another name")
		case p.HeaderLabels[label] == "":
			mistake(field, fmt.Sprintf("the label %q names no header", label), "write the name of a header, such as X-Tenant")
		}
	}
	return list
}
