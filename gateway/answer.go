package gateway

import (
	"fmt"
	"io"
	"strings"
)

// PrintAnswer writes an explanation for people.
func PrintAnswer(w io.Writer, a *Answer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s on entrypoint %s\n\n", a.Method, a.URL, a.EntryPoint)
	if a.Router == nil {
		fmt.Fprintln(&b, "No router takes it: the answer is 404 page not found.")
	} else {
		printJudged(&b, "taken by", a.Router)
		fmt.Fprintf(&b, "  middlewares  %s\n  service      %s\n", list(a.Router.Middlewares), a.Router.Service)
		for _, s := range a.Servers {
			fmt.Fprintf(&b, "  server       %s (%s)\n", s.URL, s.Status)
		}
	}
	if a.Second != nil {
		fmt.Fprintln(&b)
		printJudged(&b, "would come next", a.Second)
	}
	for i := range a.Near {
		fmt.Fprintln(&b)
		printJudged(&b, "came near", &a.Near[i])
	}
	_, err := io.WriteString(w, b.String())
	if err != nil {
		return fmt.Errorf("print the explanation: %w", err)
	}
	return nil
}

func printJudged(b *strings.Builder, what string, j *Judged) {
	fmt.Fprintf(b, "%s %s, priority %d, %s\n", what, j.Name, j.Priority, j.Origin)
	for _, v := range j.Verdicts {
		mark := "✗"
		if v.Matched {
			mark = "✓"
		}
		fmt.Fprintf(b, "  %s %s\n", mark, v.Matcher)
	}
	if j.Change != "" {
		fmt.Fprintf(b, "  it would match with %s\n", j.Change)
	}
	for _, f := range j.Faults {
		fmt.Fprintf(b, "  ! a fault is on: %s\n", f)
	}
	for _, e := range j.Errors {
		fmt.Fprintf(b, "  ! %s\n", e)
	}
}
