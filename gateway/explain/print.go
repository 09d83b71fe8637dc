package explain

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"axion/gateway/cert"
	"axion/gateway/routes"
)

// Print writes an explanation for people.
func Print(w io.Writer, a *Explanation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s on entrypoint %s\n\n", a.Method, a.URL, cmp.Or(a.EntryPoint, "none"))
	if h := a.TLS; h != nil {
		fmt.Fprintf(&b, "%s\n\n", handshakeText(h))
	}
	printOutcome(&b, a)
	if a.Second != nil {
		fmt.Fprintln(&b)
		printVerdict(&b, "would come next", a.Second)
	}
	for i := range a.Near {
		fmt.Fprintln(&b)
		printVerdict(&b, "came near", &a.Near[i])
	}
	_, err := io.WriteString(w, b.String())
	if err != nil {
		return fmt.Errorf("print the explanation: %w", err)
	}
	return nil
}

// printOutcome says who answers, and what.
func printOutcome(b *strings.Builder, a *Explanation) {
	switch {
	case a.Router != nil:
		printVerdict(b, "taken by", a.Router)
		fmt.Fprintf(b, "  middlewares  %s\n  service      %s\n", routes.List(a.Router.Middlewares), a.Router.Service)
		for _, s := range a.Servers {
			fmt.Fprintf(b, "  server       %s (%s)\n", s.URL, s.Status)
		}
		if a.Target != "" {
			fmt.Fprintf(b, "  asked for    %s\n", a.Target)
		}
	case a.Outcome != "":
		fmt.Fprintf(b, "No router takes it: %s.\n", a.Outcome)
	case a.Reply == nil:
		fmt.Fprintln(b, "No router takes it: the answer is 404 page not found.")
	}
	if r := a.Reply; r != nil {
		fmt.Fprintf(b, "\nThe answer is %d, by %s", r.Status, r.By)
		if r.Location != "" {
			fmt.Fprintf(b, ", to %s", r.Location)
		}
		if r.Text != "" {
			fmt.Fprintf(b, ": %s", r.Text)
		}
		fmt.Fprintln(b)
	}
	for _, u := range a.Unserved {
		fmt.Fprintf(b, "The service %s has labels for it (router %s, %s), but %s.\n  hint: %s\n", u.Service, u.Router, u.Origin, u.Why, u.Hint)
	}
	for _, n := range a.Notes {
		fmt.Fprintf(b, "  ! %s\n", n)
	}
}

// handshakeText describes the handshake in one line.
func handshakeText(h *cert.Handshake) string {
	text := map[string]string{
		cert.FromFile: "a certificate of yours", cert.FromACME: "a certificate by ACME",
		cert.FromDefault: "the default certificate, which is not for this host",
		cert.FromLocal:   "a certificate of the local authority", "": "no certificate",
	}[h.Certificate]
	if h.Certificate == cert.FromLocal && !h.Trusted {
		text += ", which no client trusts for this host"
	}
	text = "TLS: " + text + ", options " + h.Options
	if h.ClientAuth != "" {
		text += ", the client's own: " + h.ClientAuth
	}
	return text
}

func printVerdict(b *strings.Builder, what string, j *RouterVerdict) {
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
