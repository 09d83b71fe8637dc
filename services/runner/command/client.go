package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"axion/web/summary"
	"axion/web/view"
)

const (
	// queryTimeout bounds what the stack takes to say what it knows.
	queryTimeout = 10 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 64 << 20
	// tokenHeader has the token that calls need which change something.
	tokenHeader = "X-Axion-Token"
)

// client asks a running stack. It is safe for concurrent use.
type client struct {
	summary.Summary
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	http *http.Client
}

// newClient makes a client of a stack. It uses no proxy: the stack is on this machine.
func newClient(of summary.Summary, check func(net.Conn) error) *client {
	c := &client{Summary: of}
	c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: queryTimeout}).DialContext(ctx, network, address)
		if err != nil || check == nil {
			return conn, err
		}
		if err := check(conn); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return conn, nil
	}
	c.http = &http.Client{
		Transport:     &http.Transport{DialContext: c.dial, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// unreachableError says that nothing answers at the stack's address.
type unreachableError struct{ err error }

func (e *unreachableError) Error() string { return "ask the running stack: " + e.err.Error() }
func (e *unreachableError) Unwrap() error { return e.err }

// Hint is the hint shown with the error.
func (e *unreachableError) Hint() string {
	if with, ok := errors.AsType[interface {
		error
		Hint() string
	}](e.err); ok {
		return with.Hint()
	}
	return "is the stack running? start it with axion up"
}

// get decodes what the stack answers.
func (c *client) get(ctx context.Context, path string, to any) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return c.do(ctx, http.MethodGet, path, "", nil, to)
}

// post has the stack do something, and decodes its answer. What it takes is not bounded: a
// service has the time to end that its file says.
func (c *client) post(ctx context.Context, path string, body, to any) error {
	var session struct{ Token string }
	if err := c.get(ctx, "/api/session", &session); err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, path, session.Token, body, to)
}

func (c *client) do(ctx context.Context, method, path, token string, body, to any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Dashboard+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set(tokenHeader, token)
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return &unreachableError{err}
	}
	defer func() { _ = res.Body.Close() }()
	in := io.LimitReader(res.Body, maxAnswer)
	if res.StatusCode >= http.StatusMultipleChoices {
		return problem(res.Status, in)
	}
	if to == nil {
		return nil
	}
	if err := json.NewDecoder(in).Decode(to); err != nil {
		return &unreachableError{fmt.Errorf("%s: %w", path, err)}
	}
	return nil
}

// problem is the error of an answer (RFC 9457), with the hint that it may have.
func problem(status string, body io.Reader) error {
	var p struct{ Title, Detail, Hint string }
	_ = json.NewDecoder(body).Decode(&p)
	detail := strings.TrimSuffix(p.Detail, ": "+p.Hint) // the page shows it whole
	return hintError{errors.New(cmp.Or(detail, p.Title, "the stack answers "+status)), p.Hint}
}

// services lists the services of the stack's compose file, in start order.
func (c *client) services(ctx context.Context) ([]view.Service, error) {
	var list struct{ Items []view.Service }
	err := c.get(ctx, "/api/services", &list)
	return list.Items, err
}

// check refuses names that no service has.
func (c *client) check(ctx context.Context, names ...string) error {
	all, err := c.services(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return c.noServices()
	}
	for _, name := range names {
		if known := serviceNames(all); !slices.Contains(known, name) {
			err := c.get(ctx, strings.TrimSuffix(servicePath(name, ""), "/"), nil)
			if inactive, ok := errors.AsType[hintError](err); ok && inactive.hint != "" {
				return err // it is in a profile that is off
			}
			return unknown(name, known)
		}
	}
	return nil
}

func serviceNames(all []view.Service) []string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	return names
}

// unknown is the error about a service that there is not.
func unknown(name string, names []string) error {
	return hintError{fmt.Errorf("there is no service %q", name), "the services are " + strings.Join(names, ", ")}
}

// noServices is the error where the stack runs none.
func (c *client) noServices() error {
	return hintError{
		fmt.Errorf("the stack on %s runs without a compose file: there are no services of yours", c.Data),
		"start axion up where compose.yaml is, or name the file with -f",
	}
}

// servicePath is where the API has a service.
func servicePath(name, what string) string {
	return "/api/services/" + url.PathEscape(name) + "/" + what
}
