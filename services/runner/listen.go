package runner

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"axion/services/compose"
	"axion/services/process/inspect"
)

// patience is how long a process may take to listen until it is looked at where it does.
const patience = 3 * time.Second

// ready waits until an instance listens at its port. One whose health is checked is ready
// once that passes.
func (u *unit) ready(a *attempt, i int) func(ctx context.Context, report func(error)) error {
	port := u.service.Run.Ready.Port
	if port == u.port && i < len(u.at) {
		port = u.at[i] // it was given another
	}
	if port == 0 && i < len(u.at) && !u.hasHealth() && u.service.Run.Ready.Log == "" {
		port = u.at[i]
	}
	if port == 0 {
		return nil
	}
	return func(ctx context.Context, report func(error)) error {
		look := time.Now().Add(patience)
		for dialable(ctx, local(port)) != nil && sleep(ctx, 25*time.Millisecond) {
			if time.Now().Before(look) {
				continue
			}
			look = time.Now().Add(patience)
			if err := u.misplaced(ctx, a, i); err != nil {
				report(err)
			}
		}
		return nil
	}
}

// misplaced says that an instance listens at another port than its own; nil where it
// listens at none.
func (u *unit) misplaced(ctx context.Context, a *attempt, i int) error {
	all := a.all()
	if i >= len(all) || i >= len(u.at) {
		return nil
	}
	now, _ := all[i].Status()
	ports, err := inspect.Ports(ctx, now.PID)
	if err != nil || now.PID == 0 || len(ports) == 0 || slices.Contains(ports, u.at[i]) {
		return nil
	}
	texts := make([]string, len(ports))
	for n, port := range ports {
		texts[n] = strconv.Itoa(port)
	}
	return u.ignoresPort(fmt.Sprintf("%s listens on %s", u.service.Name, strings.Join(texts, ", ")), i,
		fmt.Sprintf("have it read PORT, or say in x-axion which port it uses: {port: %d}", ports[0]))
}

// ignoresPort is the error about an instance that does not listen where it should.
func (u *unit) ignoresPort(what string, i int, hint string) error {
	file, line := u.service.Where("environment")
	return hintError{fmt.Errorf("%s, and not on %d, which is its PORT here (%s:%d)", what, u.at[i], file, line), hint}
}

var (
	// portInUse matches what programs write when a port is taken.
	portInUse = regexp.MustCompile(
		`(?i)EADDRINUSE|address already in use|address in use|only one usage of each socket address|port \S+ is (already )?in use`)
	// linePort matches a port in such a line: after an address, or the word.
	linePort = regexp.MustCompile(`(?i)(?::|\bport[ =:'"]+)(\d{2,5})\b|, (\d{2,5})\)`)
)

// explain makes of the last lines of an instance that could not listen which port it
// wanted, and who has that.
func (u *unit) explain(i int) func(lines string) error {
	if u.service.Provider != compose.ByProcess {
		return nil
	}
	return func(lines string) error {
		if !portInUse.MatchString(lines) {
			return nil
		}
		port := 0
		for line := range strings.Lines(lines) {
			if m := linePort.FindStringSubmatch(line); m != nil && (portInUse.MatchString(line) || port == 0) {
				port, _ = strconv.Atoi(m[1] + m[2])
			}
		}
		switch {
		case port == 0:
			return hintError{fmt.Errorf("a port that it wants is taken: %s", lastLine(lines)), "have it read PORT"}
		case i < len(u.at) && port != u.at[i]:
			taken := u.runner.ports.taken(u.runner.ctx, port, u.service.Name)
			return u.ignoresPort(fmt.Sprintf("%s wants to listen on %d (%s)", u.service.Name, port, taken), i,
				"have it read PORT: the other one has that port")
		}
		return u.runner.ports.taken(u.runner.ctx, port, u.service.Name)
	}
}

func lastLine(lines string) string { return lines[strings.LastIndexByte(lines, '\n')+1:] }
