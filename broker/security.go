package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Variables of the environment that say how to connect to a cluster.
const (
	mechanismEnv = "KAFKA_SASL_MECHANISM"
	usernameEnv  = "KAFKA_SASL_USERNAME"
	passwordEnv  = "KAFKA_SASL_PASSWORD"
	tlsEnv       = "KAFKA_TLS"
	caEnv        = "KAFKA_TLS_CA_FILE"
	certEnv      = "KAFKA_TLS_CERT_FILE"
	keyEnv       = "KAFKA_TLS_KEY_FILE"
)

// VariableError says which variable of the environment cannot be used.
type VariableError struct {
	Name string
	Err  error
	fix  string
}

// Error names the variable.
func (e *VariableError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *VariableError) Unwrap() error { return e.Err }

// Hint is the hint shown with the error.
func (e *VariableError) Hint() string { return e.fix }

// Security reads from the environment how to connect to a cluster: SASL by
// KAFKA_SASL_*, TLS by KAFKA_TLS*, neither where they are unset. getenv is
// os.Getenv. The error is a [*VariableError].
func Security(getenv func(string) string) ([]kgo.Opt, error) {
	var opts []kgo.Opt
	mechanism, err := mechanism(getenv)
	if err != nil {
		return nil, err
	}
	if mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	config, err := tlsConfig(getenv)
	if err != nil {
		return nil, err
	}
	return append(opts, kgo.Dialer(dialer(config))), nil
}

func mechanism(getenv func(string) string) (sasl.Mechanism, error) {
	const known = "set it to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
	name, user, password := getenv(mechanismEnv), getenv(usernameEnv), getenv(passwordEnv)
	switch {
	case name == "" && user == "" && password == "":
		return nil, nil
	case name == "":
		return nil, &VariableError{mechanismEnv, errors.New("is not set, but the user or the password is"), known}
	case user == "":
		return nil, &VariableError{usernameEnv, errors.New("is not set, but " + mechanismEnv + " is"), "set it to the name of the cluster's user"}
	case password == "":
		return nil, &VariableError{passwordEnv, errors.New("is not set, but " + mechanismEnv + " is"), "set it to the password of " + user}
	}
	switch name {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism(), nil
	}
	return nil, &VariableError{mechanismEnv, fmt.Errorf("%q is no mechanism that is known here", name), known}
}

// tlsConfig is nil without TLS. A file that is named turns TLS on where KAFKA_TLS
// is not set.
func tlsConfig(getenv func(string) string) (*tls.Config, error) {
	ca, cert, key := getenv(caEnv), getenv(certEnv), getenv(keyEnv)
	on := ca != "" || cert != "" || key != ""
	if text := getenv(tlsEnv); text != "" {
		var err error
		if on, err = strconv.ParseBool(text); err != nil {
			return nil, &VariableError{tlsEnv, fmt.Errorf("%q is neither true nor false", text), "set it to true or false"}
		}
	}
	if !on {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, &VariableError{caEnv, err, "set it to a file of the authorities' certificates, in PEM"}
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, &VariableError{caEnv, fmt.Errorf("%s holds no certificate", ca), "set it to a file of the authorities' certificates, in PEM"}
		}
	}
	switch {
	case cert == "" && key == "":
		return config, nil
	case cert == "":
		return nil, &VariableError{certEnv, errors.New("is not set, but " + keyEnv + " is"), "set both, or neither"}
	case key == "":
		return nil, &VariableError{keyEnv, errors.New("is not set, but " + certEnv + " is"), "set both, or neither"}
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, &VariableError{certEnv, err, "set it and " + keyEnv + " to the files of a client certificate and its key, in PEM"}
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}
