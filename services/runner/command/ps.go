package command

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"axion/web/view"
)

func psCommand(s Stack) *cobra.Command {
	cmd := &cobra.Command{
		Use: "ps", Short: "Print the services of the compose file: state, who provides each and why, ports", Args: cobra.NoArgs,
		Long: "Print what the running stack runs of the compose file, in start order: the state of each service, who provides it and why,\n" +
			"where it listens, restarts and uptime. Below a service that does not run is what it waits for, and how to mend it.",
	}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.open()
		if err != nil {
			return err
		}
		all, err := c.services(cmd.Context())
		switch {
		case err != nil:
			return err
		case *asJSON:
			return json.NewEncoder(cmd.OutOrStdout()).Encode(view.NonNil(all))
		case len(all) == 0:
			return c.noServices()
		}
		return printServices(cmd.OutOrStdout(), all, time.Now())
	}
	return cmd
}

// printServices writes a table of services, with what is to be said of one below its row.
func printServices(w io.Writer, all []view.Service, now time.Time) error {
	rows := [][]string{{"SERVICE", "STATE", "PROVIDER", "PORTS", "RESTARTS", "UPTIME", "CPU", "MEMORY"}}
	for _, s := range all {
		rows = append(rows, row(s, now))
	}
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for i, r := range rows {
		var line strings.Builder
		for at, cell := range r {
			line.WriteString(cell + strings.Repeat(" ", widths[at]-utf8.RuneCountInString(cell)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
		if i > 0 {
			b.WriteString(remarks(all[i-1], strings.Repeat(" ", widths[0]+2)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// row is a service's line of the table.
func row(s view.Service, now time.Time) []string {
	state, restarts, cpu, memory := string(s.State), 0, 0.0, uint64(0)
	var since time.Time
	for _, i := range s.Instances {
		restarts, cpu, memory = restarts+i.Restarts, cpu+i.CPU, memory+i.Memory
		if i.PID != 0 && (since.IsZero() || i.StartedAt.Before(since)) {
			since = i.StartedAt
		}
	}
	if len(s.Instances) > 1 {
		state += fmt.Sprintf(" (%d)", len(s.Instances))
	}
	var uptime, load, used string
	if !since.IsZero() {
		uptime = max(0, now.Sub(since)).Round(time.Second).String()
	}
	if memory > 0 {
		load, used = fmt.Sprintf("%.0f%%", 100*cpu), humanize.IBytes(memory)
	}
	var ports []string
	for _, p := range s.Ports {
		ports = append(ports, cell(p))
	}
	return []string{
		printable(s.Name), state, printable(s.Provider + ": " + s.Reason), strings.Join(ports, " "), fmt.Sprint(restarts), uptime, load, used,
	}
}

// cell is where a service listens, in one word: "127.0.0.1:49152→3000" where the container's
// port is another.
func cell(p view.ServicePort) string {
	at := strings.Join(slices.Concat([]string{p.Address}, p.Published), ",")
	if strings.HasSuffix(p.Address, fmt.Sprintf(":%d", p.Port)) {
		return at
	}
	return fmt.Sprintf("%s→%d", at, p.Port)
}

// remarks are the lines below a service.
func remarks(s view.Service, indent string) string {
	var b strings.Builder
	line := func(prefix, text string) {
		for part := range strings.Lines(text) {
			b.WriteString(indent + prefix + printable(strings.TrimRight(part, "\r\n")) + "\n")
			prefix = strings.Repeat(" ", len(prefix))
		}
	}
	line("", s.Detail)
	for _, note := range s.Notes {
		line("note: ", note)
	}
	line("hint: ", s.Hint)
	return b.String()
}
