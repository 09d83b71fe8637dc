package services

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"axion/services/auth"
	"axion/services/contract"
)

// Variables that the services follow, beside those of other identity providers.
const (
	passwordVariable = "AXION_DEV_PASSWORD"
	originsVariable  = "AXION_CORS_ORIGINS"
)

// maxOrigins bounds the origins that a variable can list.
const maxOrigins = 64

// environment is what those variables say.
type environment struct {
	password string   // the development user's; empty: a random one
	origins  []string // whose pages may call the builtins, beside the stack's own
}

// VariableError is a variable that cannot be followed. It does not show a password.
type VariableError struct {
	// Name is the variable's.
	Name string
	Err  error
	hint string
}

// Error names the variable and what is wrong with it.
func (e *VariableError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap gives the reason.
func (e *VariableError) Unwrap() error { return e.Err }

// Hint is the hint shown with the error.
func (e *VariableError) Hint() string { return e.hint }

func readEnvironment() (environment, error) {
	e := environment{password: os.Getenv(passwordVariable)}
	if e.password != "" {
		if err := auth.CheckPassword(e.password); err != nil {
			return e, &VariableError{passwordVariable, err, "unset it for a random password"}
		}
	}
	for text := range strings.SplitSeq(os.Getenv(originsVariable), ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		origin, err := readOrigin(text)
		if err == nil && len(e.origins) == maxOrigins {
			err = fmt.Errorf("more than %d origins", maxOrigins)
		}
		if err != nil {
			return e, &VariableError{originsVariable, err,
				"list origins with commas between, as in http://localhost:5173,https://shop.localhost:8443"}
		}
		e.origins = append(e.origins, origin)
	}
	return e, nil
}

// readOrigin reads an origin and gives it in the form in which browsers send it
// (RFC 6454, section 6.2).
func readOrigin(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Hostname(), hostCharacters) != "" {
		return "", fmt.Errorf("%q is not an origin: a scheme, a host, and a port where it is not the scheme's own", text)
	}
	host := strings.ToLower(u.Host)
	own := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return u.Scheme + "://" + strings.TrimSuffix(strings.TrimSuffix(host, own), ":"), nil
}

// hostCharacters are those of names and addresses; "*" is none, since it would be
// anybody's.
const hostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:"

// ownOrigins are those of the builtins and the dashboard behind a gateway whose
// HTTPS listens on port; plain HTTP leads there. With the port: another program's
// page may have the same name at its own.
func ownOrigins(port int) []string {
	origins := []string{contract.PublicURL(contract.DashboardHost, port)}
	for _, s := range contract.Services() {
		origins = append(origins, contract.PublicURL(s.Host, port))
	}
	return origins
}

// originsPlaceholder stands in the embedded labels where the origins go.
const originsPlaceholder = "AXION_OWN_ORIGINS"

// AllowOrigins puts the origins whose pages may call the builtins into the embedded
// labels: the stack's own, of a gateway whose HTTPS listens on port, and those that
// AXION_CORS_ORIGINS lists. Where it cannot be read, as [Bind] says, they are the
// stack's own.
func AllowOrigins(labels []byte, port int) []byte {
	e, err := readEnvironment()
	if err != nil {
		e.origins = nil
	}
	all := strings.Join(slices.Concat(ownOrigins(port), e.origins), ",")
	return []byte(strings.Replace(string(labels), originsPlaceholder, all, 1))
}
