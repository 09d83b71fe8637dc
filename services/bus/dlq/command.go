package dlq

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
)

// commandTimeout bounds a command, start to end.
const commandTimeout = time.Minute

// Command returns "dlq" with its subcommands. connect returns how to reach Kafka; its
// errors are returned as they are.
func Command(connect func() (seeds []string, opts []kgo.Opt, err error)) *cobra.Command {
	open := func() (*Client, error) {
		seeds, opts, err := connect()
		if err != nil {
			return nil, err
		}
		return Open(seeds, opts...)
	}
	cmd := &cobra.Command{
		Use: "dlq", Short: "Messages that a service could not process",
		Long: `A message that fails for good goes to its service's dead-letter topic, with where it
came from, how often it was tried and the error. Replaying puts it back with its ids.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(listCommand(open), showCommand(open),
		resolveCommand(open, "replay", "Put dead letters back where they came from", "replayed", (*Client).Replay),
		resolveCommand(open, "drop", "Forget dead letters", "dropped", (*Client).Drop))
	return cmd
}

// with runs f with a client.
func with(cmd *cobra.Command, open func() (*Client, error), f func(context.Context, *Client) error) error {
	c, err := open()
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(cmd.Context(), commandTimeout)
	defer cancel()
	return f(ctx, c)
}

func listCommand(open func() (*Client, error)) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "list [SERVICE]", Short: "List dead letters, of all services or one", Args: cobra.MaximumNArgs(1), ValidArgs: contract.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			services := contract.Names()
			if len(args) == 1 {
				if err := knownService(args[0]); err != nil {
					return err
				}
				services = args
			}
			return with(cmd, open, func(ctx context.Context, c *Client) error {
				all := []*DeadLetter{}
				for _, service := range services {
					letters, err := c.List(ctx, service)
					if err != nil {
						return err
					}
					all = append(all, letters...)
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"items": all})
				}
				return printList(cmd.OutOrStdout(), all)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, `print {"items":[…]}`)
	return cmd
}

func printList(out io.Writer, letters []*DeadLetter) error {
	if len(letters) == 0 {
		_, err := fmt.Fprintln(out, "no dead letters")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "SERVICE\tPLACE\tTIME\tTYPE\tKEY\tATTEMPTS\tERROR")
	for _, l := range letters {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n",
			l.Service, l.Position(), l.Time, l.Type, oneLine(l.Key), l.Attempts, oneLine(l.Error))
	}
	return w.Flush()
}

// oneLine is what a terminal shows of text from a message.
func oneLine(text string) string {
	const longest = 80
	q := strconv.Quote(text)
	q = q[1 : len(q)-1]
	if utf8.RuneCountInString(q) > longest {
		q = string([]rune(q)[:longest]) + "…"
	}
	return q
}

func showCommand(open func() (*Client, error)) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "show SERVICE PARTITION:OFFSET", Short: "Show one dead letter with headers and value", Args: cobra.ExactArgs(2),
		ValidArgs: contract.Names(),
		Example:   "  axion topics dlq show graph-service 1:42",
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd, open, func(ctx context.Context, c *Client) error {
				letters, err := c.selected(ctx, args[0], args[1:], false)
				if err != nil {
					return err
				}
				if len(letters) != 1 {
					return &SelectionError{Service: args[0], Choice: args[1], Reason: "is a range: show takes one letter"}
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(shown(letters[0]))
				}
				return printLetter(cmd.OutOrStdout(), letters[0])
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// shownLetter is a dead letter with its value, in base64 where it is no text.
type shownLetter struct {
	*DeadLetter
	Value    string `json:"value"`
	Encoding string `json:"encoding,omitempty"`
}

func shown(l *DeadLetter) shownLetter {
	if l.Batch == "" && utf8.Valid(l.Value) {
		return shownLetter{DeadLetter: l, Value: string(l.Value)}
	}
	return shownLetter{DeadLetter: l, Value: base64.StdEncoding.EncodeToString(l.Value), Encoding: "base64"}
}

func printLetter(out io.Writer, l *DeadLetter) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	row := func(name, text string) { _, _ = fmt.Fprintf(w, "%s\t%s\n", name, text) }
	row("service", l.Service)
	row("place", l.Position())
	row("from", fmt.Sprintf("%s %d:%d", l.Origin.Topic, l.Origin.Partition, l.Origin.Offset))
	row("time", l.Time)
	if l.Batch != "" {
		row("batch", "could not be decoded; offsets "+l.Batch)
	}
	row("attempts", strconv.Itoa(l.Attempts))
	row("error", strconv.Quote(l.Error))
	row("key", strconv.Quote(l.Key))
	for _, h := range l.Headers {
		row(h.Key, strconv.Quote(h.Value))
	}
	switch {
	case l.Omitted:
		row("value", "too large for a dead letter; it is still where it came from")
	case utf8.Valid(l.Value):
		row("value", string(l.Value))
	default:
		row("value", strconv.Quote(string(l.Value)))
	}
	return w.Flush()
}

func resolveCommand(open func() (*Client, error), name, short, done string, resolve resolver) *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use: name + " SERVICE {PARTITION:OFFSET[-OFFSET] … | --all}", Short: short, Args: cobra.MinimumNArgs(1), ValidArgs: contract.Names(),
		Example: "  axion topics dlq " + name + " graph-service 1:42\n  axion topics dlq " + name + " graph-service 1:40-49 2:7\n" +
			"  axion topics dlq " + name + " graph-service --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd, open, func(ctx context.Context, c *Client) error {
				letters, err := c.selected(ctx, args[0], args[1:], all)
				if err != nil {
					return err
				}
				n, err := resolve(c, ctx, letters)
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%d of %d %s\n", n, len(letters), done)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all of the service's")
	return cmd
}

// SelectionError is a selection of dead letters that do not exist, or that cannot be read.
type SelectionError struct{ Service, Choice, Reason string }

func (e *SelectionError) Error() string { return strings.TrimSpace(e.Choice + " " + e.Reason) }

// Hint says where the positions are listed.
func (e *SelectionError) Hint() string {
	if e.Service == "" {
		return "the services are " + strings.Join(contract.Names(), ", ")
	}
	return "axion topics dlq list " + e.Service + " tells the places"
}

func knownService(service string) error {
	if !slices.Contains(contract.Names(), service) {
		return &SelectionError{Choice: strconv.Quote(service), Reason: "is no service"}
	}
	return nil
}

// selected returns the dead letters that the arguments name, oldest first.
func (c *Client) selected(ctx context.Context, service string, places []string, all bool) ([]*DeadLetter, error) {
	if err := knownService(service); err != nil {
		return nil, err
	}
	if all == (len(places) > 0) {
		return nil, &SelectionError{Service: service, Reason: "name letters by PARTITION:OFFSET, or all of them by --all"}
	}
	letters, err := c.List(ctx, service)
	if err != nil || all {
		return letters, err
	}
	wanted := map[*DeadLetter]bool{}
	for _, place := range places {
		partition, first, last, err := parsePlace(place)
		if err != nil {
			return nil, &SelectionError{Service: service, Choice: strconv.Quote(place), Reason: err.Error()}
		}
		found := false
		for _, l := range letters {
			if l.Partition == partition && l.Offset >= first && l.Offset <= last {
				wanted[l], found = true, true
			}
		}
		if !found {
			return nil, &SelectionError{Service: service, Choice: place, Reason: "is no dead letter of " + service}
		}
	}
	return slices.DeleteFunc(letters, func(l *DeadLetter) bool { return !wanted[l] }), nil
}

var errPlace = errors.New("is not PARTITION:OFFSET or PARTITION:OFFSET-OFFSET")

// parsePlace reads "1:42" and "1:40-49".
func parsePlace(text string) (partition int32, first, last int64, err error) {
	left, right, ok := strings.Cut(text, ":")
	from, to, isRange := strings.Cut(right, "-")
	if !isRange {
		to = from
	}
	n, err1 := strconv.ParseUint(left, 10, 31)
	a, err2 := strconv.ParseUint(from, 10, 63)
	z, err3 := strconv.ParseUint(to, 10, 63)
	if !ok || errors.Join(err1, err2, err3) != nil || a > z {
		return 0, 0, 0, errPlace
	}
	return int32(n), int64(a), int64(z), nil
}
