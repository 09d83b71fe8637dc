package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"axion/gateway/config"
	"axion/gateway/observe"
	"axion/gateway/provider"
	"axion/gateway/routing"
	"axion/gateway/selfaddr"
)

// Check tells everything that is wrong or doubtful about compose files and dynamic
// files, without starting anything: what the gateway would report of them once it
// runs. Base is the layer below them, whose own problems are left out. What keeps
// the files from being read at all is a problem too, or an error where it is not the
// files' fault.
func Check(base []provider.Source, files []string) ([]config.Problem, error) {
	problems, _, err := checkFiles(base, files, nil)
	return problems, err
}

// usual are the addresses of a stack that no flag moved, but for those that move by
// themselves where somebody else has them.
var usual = map[string]string{"dashboard": "localhost:8900", "Kafka broker": "localhost:9092"}

// checkFiles is Check for a stack that listens at these addresses, by what is there, and
// tells how much was looked at.
func checkFiles(base []provider.Source, files []string, listening map[string]string) ([]config.Problem, provider.Count, error) {
	p, err := provider.New(provider.Options{Base: base, Files: files})
	if problem, ok := errors.AsType[config.Problem](err); ok {
		return []config.Problem{problem}, provider.Count{Files: len(files)}, nil
	}
	if err != nil {
		return nil, provider.Count{}, err
	}
	g := &Gateway{log: slog.New(slog.DiscardHandler), observer: unseen()}
	g.internals = g.newInternals()
	if len(listening) == 0 {
		listening = usual
	}
	for name, address := range listening {
		g.own.add(selfaddr.Parse(name, address))
	}
	g.own.private = slices.DeleteFunc(slices.Clone(g.own.fixed), func(l selfaddr.Listener) bool {
		return strings.HasPrefix(l.Name, routing.ListenerPrefix)
	})
	problems := slices.DeleteFunc(slices.Concat(p.Problems(), routing.CheckAll(p.Dynamic(), g.newDeps())), func(p config.Problem) bool {
		return slices.ContainsFunc(base, func(s provider.Source) bool { return s.Name == p.File })
	})
	slices.SortStableFunc(problems, func(a, b config.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return problems, p.Count(), nil
}

// nothingError says that there was nothing to check.
type nothingError struct{ message, hint string }

func (e *nothingError) Error() string { return e.message }

// Hint is the hint shown with the error.
func (e *nothingError) Hint() string { return e.hint }

// ExitCode is that of `axion check` where it had nothing to look at.
func (e *nothingError) ExitCode() int { return 2 }

// nothing is the error where the count is none; nil where there was something.
func nothing(files []string, c provider.Count) error {
	switch {
	case len(files) == 0:
		return &nothingError{"there is no compose file to check", "name one with -f, or go where compose.yaml is"}
	case c.Services == 0 && c.Settings == 0:
		return &nothingError{fmt.Sprintf("there is nothing to check in %s: no service, and no setting of dynamic configuration", joined(files)),
			"a compose file has services:, a dynamic file http:, tcp:, udp: or tls:"}
	}
	return nil
}

// unseen observes requests that are only looked at: nothing is counted or written.
var unseen = sync.OnceValue(func() *observe.Observer { return observe.New(observe.Options{}) })
