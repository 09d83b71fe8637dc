package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"axion/services/host"
)

// commandTimeout bounds "axion token", start to end.
const commandTimeout = 10 * time.Second

// Command returns "token", which signs a user in at a running stack and prints
// a session token. running returns the provider's base address, such as
// "http://127.0.0.1:3010", and the development user's password; its errors are
// returned as they are. check looks at a connection there before the password is sent;
// nil lets every one be.
func Command(running func() (address, password string, err error), check func(net.Conn) error) *cobra.Command {
	email, password, asJSON := DevelopmentEmail, "", false
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print a bearer token of the development user",
		Long: `Signs in at the running stack and prints a session token, which the services
take as "Authorization: Bearer TOKEN". It lasts seven days.`,
		Example: `  curl -H "Authorization: Bearer $(axion token)" https://graph.localhost/api/projects`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			base, own, err := running()
			if err != nil {
				return err
			}
			switch {
			case base == "":
				return errors.New("the running stack has no auth-service of its own: ask the one in its place for a token")
			case password != "":
			case email != DevelopmentEmail:
				return fmt.Errorf("--password is missing: that of %s is not known here", email)
			default:
				password = own
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), commandTimeout)
			defer cancel()
			token, err := requestToken(ctx, host.Client(check), base, email, password)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"token": token})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
			return err
		},
	}
	cmd.Flags().StringVar(&email, "email", email, "the user's email address")
	cmd.Flags().StringVar(&password, "password", "", "the user's password (default: the development user's)")
	cmd.Flags().BoolVar(&asJSON, "json", false, `print {"token":…}`)
	return cmd
}

// TokenError is the failure of "axion token".
type TokenError struct {
	// Address is where the provider was asked.
	Address string
	// Code is the provider's error code; empty where it did not answer.
	Code string
	Err  error
}

// Error names the address and the reason.
func (e *TokenError) Error() string { return fmt.Sprintf("sign in at %s: %v", e.Address, e.Err) }

// Unwrap gives the reason.
func (e *TokenError) Unwrap() error { return e.Err }

// Hint says what to look at.
func (e *TokenError) Hint() string {
	var known interface{ Hint() string }
	switch e.Code {
	case "":
		if errors.As(e.Err, &known) {
			return known.Hint()
		}
		return "is the stack running? start it with: axion"
	case errCredentials.Code:
		return "check --email and --password"
	case errRemote.Code:
		return "run it on the stack's own machine"
	default:
		return ""
	}
}

// requestToken signs in over HTTP, as any client does.
func requestToken(ctx context.Context, hc *http.Client, base, email, password string) (string, error) {
	fail := func(code string, err error) (string, error) {
		return "", &TokenError{Address: base, Code: code, Err: err}
	}
	body, err := json.Marshal(Credentials{Email: email, Password: password})
	if err != nil {
		return fail("", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+basePath+"/sign-in/email", bytes.NewReader(body))
	if err != nil {
		return fail("", err)
	}
	req.Header.Set("Content-Type", jsonType)
	req.Header.Set("Origin", base)
	defer hc.CloseIdleConnections()
	res, err := hc.Do(req)
	if err != nil {
		return fail("", err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct{ Token, Message, Code string }
	err = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&answer)
	switch {
	case res.StatusCode == http.StatusOK && err == nil && answer.Token != "":
		return answer.Token, nil
	case answer.Message != "":
		return fail(answer.Code, errors.New(answer.Message))
	default:
		return fail("", fmt.Errorf("unexpected answer %s", res.Status))
	}
}
