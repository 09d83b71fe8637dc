package command

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"axion/gateway/api"
	"axion/gateway/config"
	"axion/gateway/provider"
	"axion/gateway/routing"
	"axion/gateway/rule"
	"axion/gateway/selfaddr"
)

// Check reports everything that is wrong or doubtful about compose files and dynamic
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
// counts what was checked.
func checkFiles(base []provider.Source, files []string, listening map[string]string) ([]config.Problem, provider.Count, error) {
	p, err := provider.New(provider.Options{Base: base, Files: files})
	if problem, ok := errors.AsType[config.Problem](err); ok {
		return []config.Problem{problem}, provider.Count{Files: len(files)}, nil
	}
	if err != nil {
		return nil, provider.Count{}, err
	}
	problems := slices.DeleteFunc(slices.Concat(p.Problems(), routing.CheckAll(p.Dynamic(), newDeps(listening))), func(p config.Problem) bool {
		return slices.ContainsFunc(base, func(s provider.Source) bool { return s.Name == p.File })
	})
	slices.SortStableFunc(problems, func(a, b config.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return problems, p.Count(), nil
}

// newDeps are what a table is checked with for a stack that listens at these addresses.
func newDeps(listening map[string]string) routing.Deps {
	if len(listening) == 0 {
		listening = usual
	}
	var own selfaddr.Set
	for name, address := range listening {
		if l, ok := selfaddr.Parse(name, address); ok {
			own = append(own, l)
		}
	}
	return routing.Deps{
		Current: func() *routing.Table { return nil }, Internals: new(api.API).Internals(),
		Own: func(entries routing.EntryPoints) selfaddr.Set {
			return routing.OwnListeners(slices.Clone(own), entries, false)
		},
		Private: slices.DeleteFunc(slices.Clone(own), func(l selfaddr.Listener) bool {
			return strings.HasPrefix(l.Name, routing.ListenerPrefix)
		}),
		Rules: new(rule.Cache), Log: slog.New(slog.DiscardHandler),
	}
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
