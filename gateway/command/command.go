// Package command has the commands of `axion` about routes, labels and certificates.
package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"axion/gateway/cert"
	"axion/gateway/explain"
	"axion/gateway/generate"
	"axion/gateway/provider"
	"axion/gateway/routes"
	"axion/gateway/routing"
	"axion/gateway/trust"
	"axion/web/view"
)

// maxResponse bounds what is read from a running stack, in bytes.
const maxResponse = 64 << 20

// Stack is what the commands know of the stack.
type Stack struct {
	// Dashboard is the address of the running stack's, which answers for it.
	Dashboard func() (string, error)
	// URLs are those at which the running stack answers.
	URLs func() ([]string, error)
	// Own is where the running stack listens, by what is there; empty where none
	// runs. Nil means that this is not known.
	Own func() map[string]string
	// Sources are the base layer and the compose files.
	Sources func() (base []provider.Source, files []string)
}

// All are `axion routes` and `axion explain`, which ask the running stack;
// `axion check` and `axion labels`, which need none; and `axion trust`, `untrust` and
// `doctor`, which are about this machine.
func All(s Stack) []*cobra.Command {
	files := func() []string { _, files := s.Sources(); return files }
	list := []*cobra.Command{routesCommand(s.Dashboard), explainCommand(s.Dashboard), checkCommand(s.Sources, s.Own), generate.Command(files)}
	return append(list, trust.Commands(func() (string, error) { return cert.RootFile("") }, s.diagnosed)...)
}

// diagnosed is what the doctor looks at.
func (s Stack) diagnosed() (trust.Stack, error) {
	urls, err := s.URLs()
	d := trust.Stack{URLs: urls}
	if s.Own != nil {
		d.Own = s.Own()
		maps.DeleteFunc(d.Own, func(what, _ string) bool { return strings.HasPrefix(what, routing.ListenerPrefix) })
	}
	for _, text := range urls {
		if u, err := url.Parse(text); err == nil {
			if port, err := strconv.Atoi(u.Port()); err == nil {
				d.Ports = append(d.Ports, port)
			}
		}
	}
	return d, err
}

func routesCommand(dashboard func() (string, error)) *cobra.Command {
	cmd := &cobra.Command{Use: "routes", Short: "Print the routing table of the running stack", Args: cobra.NoArgs}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var body struct {
			Items []view.Route `json:"items"`
		}
		if err := queryStack(cmd.Context(), dashboard, "/api/routes", &body); err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(body.Items)
		}
		return routes.Print(cmd.OutOrStdout(), body.Items)
	}
	return cmd
}

func explainCommand(dashboard func() (string, error)) *cobra.Command {
	cmd := &cobra.Command{Use: "explain URL", Short: "Tell which router takes a request, and why, or why none does", Args: cobra.ExactArgs(1),
		Example: "  axion explain -X POST -H 'X-Version: 2' https://shop.localhost/api/orders"}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	method := cmd.Flags().StringP("request", "X", http.MethodGet, "the request's `METHOD`")
	headers := cmd.Flags().StringArrayP("header", "H", nil, "a `HEADER` of the request, as \"name: value\"; may be repeated")
	client := cmd.Flags().String("client", "", "the client's `ADDRESS`, for rules with ClientIP (default 127.0.0.1)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		query := url.Values{"url": args, "method": {*method}, "client": {*client}}
		for _, h := range *headers {
			if !strings.Contains(h, ":") {
				return fmt.Errorf("--header %q: is not \"name: value\"", h)
			}
			query.Add("header", h)
		}
		var a explain.Explanation
		if err := queryStack(cmd.Context(), dashboard, "/api/explain?"+query.Encode(), &a); err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(a)
		}
		return explain.Print(cmd.OutOrStdout(), &a)
	}
	return cmd
}

// unreachableError says that nothing answers at the stack's address.
type unreachableError struct{ err error }

func (e *unreachableError) Error() string { return e.err.Error() }
func (e *unreachableError) Unwrap() error { return e.err }

// Hint is the hint shown with the error.
func (e *unreachableError) Hint() string { return "is the stack running? start it with: axion" }

// queryStack decodes what the dashboard answers.
func queryStack(ctx context.Context, dashboard func() (string, error), path string, to any) error {
	address, err := dashboard()
	if err != nil {
		return err // it says it all
	}
	if err := fetch(ctx, address+path, to); err != nil {
		return fmt.Errorf("ask the running stack: %w", err)
	}
	return nil
}

func fetch(ctx context.Context, url string, to any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 10 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return &unreachableError{err}
	}
	defer func() { _ = res.Body.Close() }()
	body := io.LimitReader(res.Body, maxResponse)
	if res.StatusCode != http.StatusOK {
		var problem struct{ Message, Detail string }
		_ = json.NewDecoder(body).Decode(&problem)
		if text := problem.Message + problem.Detail; text != "" {
			return fmt.Errorf("%s: %s", res.Status, text)
		}
		return fmt.Errorf("%s answered %s", req.URL, res.Status)
	}
	return json.NewDecoder(body).Decode(to)
}
