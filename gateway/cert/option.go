package cert

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"reflect"

	"axion/gateway/config"
)

// option is one set of TLS options, ready for handshakes.
type option struct {
	config *config.TLSOptions
	texts  []string // of the authorities for clients; files may change
	tcp    *tls.Config
	quic   *tls.Config
}

// buildOptions makes the options anew where they differ from the old ones. Where
// they are wrong, the old ones stay.
func (a *Authority) buildOptions(from map[string]*config.TLSOptions, old map[string]*option, to *report) map[string]*option {
	built := make(map[string]*option, len(from))
	for _, name := range keys(from) {
		o, err := a.buildOption(from[name], old[name])
		if err != nil {
			o = old[name]
			message := fmt.Sprintf("the TLS options %q: %v", name, err)
			if o == nil {
				message += ": hosts with these options are refused"
			} else {
				message += ": they stay as they were"
			}
			to.wrong(from[name].Origin, message, mend(err))
		}
		if o == nil {
			o = &option{tcp: a.refuseAll(name), quic: a.refuseAll(name)}
		}
		built[name] = o
	}
	return built
}

func (a *Authority) buildOption(c *config.TLSOptions, old *option) (*option, error) {
	texts := make([]string, len(c.ClientAuth.CAFiles))
	for i, file := range c.ClientAuth.CAFiles {
		data, err := readText(file)
		if err != nil {
			return nil, fmt.Errorf("clientAuth.caFiles: %w", err)
		}
		texts[i] = string(data)
	}
	if old != nil && old.config != nil && reflect.DeepEqual(old.config, c) && reflect.DeepEqual(old.texts, texts) {
		return old, nil
	}
	t, err := a.handshake(c, texts)
	if err != nil {
		return nil, err
	}
	o := &option{config: c, texts: texts, tcp: t, quic: t.Clone()}
	o.quic.NextProtos = []string{h3}
	return o, nil
}

func (a *Authority) handshake(c *config.TLSOptions, texts []string) (*tls.Config, error) {
	t := a.base()
	strict := c.SniStrict
	t.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return a.certificate(hello, strict) }
	t.SessionTicketsDisabled = c.DisableSessionTickets
	if len(c.ALPNProtocols) > 0 {
		t.NextProtos = c.ALPNProtocols
	}
	var err error
	if c.MinVersion != "" {
		if t.MinVersion, err = look("minVersion", c.MinVersion, versions); err != nil {
			return nil, err
		}
	}
	if c.MaxVersion != "" {
		if t.MaxVersion, err = look("maxVersion", c.MaxVersion, versions); err != nil {
			return nil, err
		}
		if t.MaxVersion < t.MinVersion {
			return nil, &optionError{"maxVersion", fmt.Sprintf("%s is below the least version, %s", c.MaxVersion, tls.VersionName(t.MinVersion)),
				"raise maxVersion or lower minVersion"}
		}
	}
	if t.CipherSuites, err = lookAll("cipherSuites", c.CipherSuites, suites); err != nil {
		return nil, err
	}
	if t.CurvePreferences, err = lookAll("curvePreferences", c.CurvePreferences, curves); err != nil {
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
	if t.ClientAuth, err = look("clientAuth.clientAuthType", c.ClientAuthType, clientAuths); err != nil {
		return err
	}
	if t.ClientAuth >= tls.VerifyClientCertIfGiven && t.ClientCAs == nil {
		return &optionError{"clientAuth.caFiles", "is empty, and " + c.ClientAuthType + " needs an authority to verify with",
			"name the file of the authority that signs the clients' certificates"}
	}
	return nil
}

// refuseAll is the configuration of hosts whose options are not known: to serve
// them without could let in who must show a certificate.
func (a *Authority) refuseAll(name string) *tls.Config {
	t := a.base()
	t.SessionTicketsDisabled = true // no session may be resumed
	t.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		return a.refuse(hello, fmt.Sprintf("the TLS options %q are wrong or missing", name))
	}
	return t
}
