package cert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"reflect"
	"slices"

	"axion/gateway/config"
	"axion/gateway/hint"
)

// option is one set of TLS options, ready for handshakes.
type option struct {
	config *config.TLSOptions
	broken bool     // they are wrong: hosts that have them are refused
	texts  []string // of the authorities for clients; files may change
	tcp    *tls.Config
	quic   *tls.Config
	// authorities are the certificates in texts, in DER form.
	authorities map[string]bool
}

// newOption takes over t, which is for TCP.
func newOption(c *config.TLSOptions, texts []string, t *tls.Config) *option {
	o := &option{config: c, texts: texts, tcp: t, quic: t.Clone(), authorities: make(map[string]bool)}
	o.quic.NextProtos = []string{h3}
	ownTickets(o.tcp)
	ownTickets(o.quic)
	for _, text := range texts {
		for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
			o.authorities[string(block.Bytes)] = true
		}
	}
	return o
}

// ownTickets has sessions of t resumed under t alone. Without it crypto/tls shares the
// keys of session tickets among all that one GetConfigForClient gives, so that the
// session of one host's options would do for another's.
func ownTickets(t *tls.Config) {
	t.WrapSession = func(c tls.ConnectionState, s *tls.SessionState) ([]byte, error) { return t.EncryptTicket(c, s) }
	t.UnwrapSession = func(ticket []byte, c tls.ConnectionState) (*tls.SessionState, error) {
		return t.DecryptTicket(ticket, c)
	}
}

// met reports whether a connection's handshake has all that the options want, which
// may have changed since.
func (o *option) met(c *tls.ConnectionState) bool {
	if c.Version < o.tcp.MinVersion || o.tcp.MaxVersion != 0 && c.Version > o.tcp.MaxVersion {
		return false
	}
	shown := len(c.PeerCertificates) > 0
	switch o.tcp.ClientAuth {
	case tls.RequireAnyClientCert:
		return shown
	case tls.VerifyClientCertIfGiven:
		return !shown || o.verified(c)
	case tls.RequireAndVerifyClientCert:
		return shown && o.verified(c)
	}
	return true
}

// verified reports whether an authority of the options stands for the client.
func (o *option) verified(c *tls.ConnectionState) bool {
	return slices.ContainsFunc(c.VerifiedChains, func(chain []*x509.Certificate) bool {
		return o.authorities[string(chain[len(chain)-1].Raw)]
	})
}

// optionsBuilder makes the options of handshakes.
type optionsBuilder struct {
	*chooser
	report *report
}

// build makes the options anew where they differ from the old ones. Where
// they are wrong, the old ones stay.
func (b optionsBuilder) build(from map[string]*config.TLSOptions, old map[string]*option) map[string]*option {
	built := make(map[string]*option, len(from))
	for _, name := range keys(from) {
		c := knownVersions(name, from[name], old[name], b.report)
		o, err := b.option(c, old[name])
		if err != nil {
			o = old[name]
			message := fmt.Sprintf("the TLS options %q: %v", name, err)
			if o == nil {
				message += ": hosts with these options are refused"
			} else {
				message += ": they stay as they were"
			}
			b.report.fail(c.Origin, message, hint.Of(err))
		}
		if o == nil {
			o = newOption(&config.TLSOptions{}, nil, b.refuseAll(name))
			o.broken = true
		}
		built[name] = o
	}
	return built
}

// option is c as built; the old one where nothing of it changed.
func (b optionsBuilder) option(c *config.TLSOptions, old *option) (*option, error) {
	texts := make([]string, len(c.ClientAuth.CAFiles))
	for i, file := range c.ClientAuth.CAFiles {
		data, err := readText(file)
		if err != nil {
			return nil, fmt.Errorf("clientAuth.caFiles: %w", err)
		}
		texts[i] = string(data)
	}
	if old != nil && reflect.DeepEqual(old.config, c) && reflect.DeepEqual(old.texts, texts) {
		return old, nil
	}
	t, err := b.handshake(c, texts)
	if err != nil {
		return nil, err
	}
	return newOption(c, texts, t), nil
}

// knownVersions is c without the versions that are not known, which Traefik passes
// over. What the old options say holds on.
func knownVersions(name string, c *config.TLSOptions, old *option, to *report) *config.TLSOptions {
	known, last := *c, &config.TLSOptions{}
	if old != nil {
		last = old.config
	}
	for _, field := range []struct {
		name, last, without string
		value               *string
	}{
		{"minVersion", last.MinVersion, "TLS 1.2 and later are served, as with Traefik", &known.MinVersion},
		{"maxVersion", last.MaxVersion, "there is no latest version, as with Traefik", &known.MaxVersion},
	} {
		if *field.value == "" {
			continue
		}
		if _, err := parse(field.name, *field.value, versions); err != nil {
			rest := field.without
			if field.last != "" {
				rest = "it stays " + field.last
			}
			to.warn(c.Origin, fmt.Sprintf("the TLS options %q: %v: %s", name, err, rest), hint.Of(err))
			*field.value = field.last
		}
	}
	return &known
}

// handshake is the configuration on TCP for c, whose authorities for clients have these texts.
func (b optionsBuilder) handshake(c *config.TLSOptions, texts []string) (*tls.Config, error) {
	t := b.base()
	choose, strict := b.chooser, c.SniStrict
	t.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return choose.certificate(hello, strict) }
	t.SessionTicketsDisabled = c.DisableSessionTickets
	if len(c.ALPNProtocols) > 0 {
		t.NextProtos = c.ALPNProtocols
	}
	var err error
	if c.MinVersion != "" {
		if t.MinVersion, err = parse("minVersion", c.MinVersion, versions); err != nil {
			return nil, err
		}
	}
	if c.MaxVersion != "" {
		if t.MaxVersion, err = parse("maxVersion", c.MaxVersion, versions); err != nil {
			return nil, err
		}
		if t.MaxVersion < t.MinVersion {
			return nil, &optionError{"maxVersion", fmt.Sprintf("%s is below the least version, %s", c.MaxVersion, tls.VersionName(t.MinVersion)),
				"raise maxVersion or lower minVersion"}
		}
	}
	if t.CipherSuites, err = parseAll("cipherSuites", c.CipherSuites, suites); err != nil {
		return nil, err
	}
	if t.CurvePreferences, err = parseAll("curvePreferences", c.CurvePreferences, curves); err != nil {
		return nil, err
	}
	return t, clientAuth(t, c.ClientAuth, texts)
}

// clientAuth has clients show a certificate. As in Traefik authorities alone mean
// that clients must have one of theirs.
func clientAuth(t *tls.Config, c config.ClientAuth, texts []string) (err error) {
	for i, text := range texts {
		if t.ClientCAs == nil {
			t.ClientCAs = x509.NewCertPool()
		}
		if !t.ClientCAs.AppendCertsFromPEM([]byte(text)) {
			return &optionError{"clientAuth.caFiles", nameOf(c.CAFiles[i]) + " holds no certificate", "give a file with certificates in PEM form"}
		}
	}
	if c.ClientAuthType == "" {
		if t.ClientCAs != nil {
			t.ClientAuth = tls.RequireAndVerifyClientCert
		}
		return nil
	}
	if t.ClientAuth, err = parse("clientAuth.clientAuthType", c.ClientAuthType, clientAuths); err != nil {
		return err
	}
	if t.ClientAuth >= tls.VerifyClientCertIfGiven && t.ClientCAs == nil {
		return &optionError{"clientAuth.caFiles", "is empty, and " + c.ClientAuthType + " needs an authority to verify with",
			"name the file of the authority that signs the clients' certificates"}
	}
	return nil
}
