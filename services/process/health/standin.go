package health

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// standIns do what a tool does, for the ways in which health checks use it.
var standIns = map[string]func(ctx context.Context, t Target, args []string) error{
	"pg_isready":                postgres,
	"redis-cli":                 redis,
	"valkey-cli":                redis,
	"keydb-cli":                 redis,
	"kafka-broker-api-versions": reachable,
	"kafka-topics":              reachable,
	"kafka-cluster":             reachable,
	"cub":                       reachable,
	"rpk":                       reachable,
	"nc":                        netcat,
	"curl":                      web,
	"wget":                      web,
}

// postgres: the server answers a client, though it may refuse it, as pg_isready has it. It
// asks for nothing, so that the server has nothing to log.
func postgres(ctx context.Context, t Target, args []string) error {
	at, err := t.host(args, "-h", "-p", "--host", "--port")
	if err != nil {
		return err
	}
	c, err := dial(ctx, at)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	user := cmp.Or(t.variable("POSTGRES_USER"), t.variable("POSTGRESQL_USERNAME"), "postgres")
	if i := slices.Index(args, "-U"); i >= 0 && i+1 < len(args) {
		user = args[i+1]
	}
	server := pgproto3.NewFrontend(c, c)
	server.Send(&pgproto3.StartupMessage{
		ProtocolVersion: pgproto3.ProtocolVersion30,
		Parameters:      map[string]string{"user": user, "database": cmp.Or(t.variable("POSTGRES_DB"), t.variable("POSTGRESQL_DATABASE"), user)},
	})
	if err := server.Flush(); err != nil {
		return err
	}
	answer, err := server.Receive()
	if err != nil {
		return err
	}
	if refused, ok := answer.(*pgproto3.ErrorResponse); ok && refused.Code == "57P03" { // it is starting up, or shutting down
		return fmt.Errorf("%s (SQLSTATE %s)", refused.Message, refused.Code)
	}
	server.Send(&pgproto3.Terminate{})
	return server.Flush()
}

// variable is one of the service's environment; "" for none.
func (t Target) variable(name string) string {
	for _, entry := range slices.Backward(t.Env) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// redis: the server answers PING, or asks for a password.
func redis(ctx context.Context, t Target, args []string) error {
	at, err := t.host(args, "-h", "-p")
	if err != nil {
		return err
	}
	c, err := dial(ctx, at)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "*1\r\n$4\r\nPING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(io.LimitReader(c, 1<<10)).ReadString('\n')
	if err == nil && !strings.HasPrefix(answer, "+PONG") && !strings.HasPrefix(answer, "-NOAUTH") {
		err = fmt.Errorf("PING is answered by %q", answer)
	}
	return err
}

// reachable: the service's own port is open.
func reachable(ctx context.Context, t Target, _ []string) error {
	if t.Own == "" {
		return errors.New("it is not known where it listens")
	}
	c, err := dial(ctx, t.Own)
	if err != nil {
		return err
	}
	return c.Close()
}

// netcat: the port that the last two arguments name is open.
func netcat(ctx context.Context, t Target, args []string) error {
	if len(args) < 2 {
		return reachable(ctx, t, nil)
	}
	at := t.Rewrite(net.JoinHostPort(args[len(args)-2], args[len(args)-1]))
	c, err := dial(ctx, at)
	if err != nil {
		return err
	}
	return c.Close()
}

// web: the address answers with a status below 400.
func web(ctx context.Context, _ Target, args []string) error {
	var url string
	for _, arg := range args {
		if strings.HasPrefix(arg, "http://") || strings.HasPrefix(arg, "https://") {
			url = arg
		} else if !strings.HasPrefix(arg, "-") && strings.Contains(arg, ":") && url == "" {
			url = "http://" + arg
		}
	}
	if url == "" {
		return fmt.Errorf("no address is among %q", args)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, 1<<20)
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return nil
}

// client keeps no connection: a check is seldom, and its service may be started anew.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// host is where a tool's flags point, or the service itself.
func (t Target) host(args []string, flags ...string) (string, error) {
	host, port := "", ""
	for i, arg := range args {
		name, value, joined := strings.Cut(arg, "=")
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		for n, flag := range flags {
			if name == flag && n%2 == 0 {
				host = value
			} else if name == flag {
				port = value
			}
		}
	}
	local := host == "" || host == "localhost" || host == "127.0.0.1" || host == "::1"
	switch {
	case local && t.Own != "":
		return t.Own, nil
	case host != "" && port != "":
		return t.Rewrite(net.JoinHostPort(host, port)), nil
	}
	return "", errors.New("it is not known where it listens")
}

func dial(ctx context.Context, at string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, err
	}
	if until, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(until)
	}
	return c, nil
}
