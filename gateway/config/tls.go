package config

// TLS is what handshakes need beside the routers. Options and Stores are keyed by
// name: "default" is everybody's, others are qualified by provider.
type TLS struct {
	Certificates []Certificate
	Options      map[string]*TLSOptions
	Stores       map[string]*TLSStore
}

// Certificate is one of the user's own, served for the names in it.
type Certificate struct {
	Origin   Origin `label:"-" file:"-"`
	CertFile string // a file, or PEM text
	KeyFile  string
	Stores   []string
}

// TLSOptions bounds handshakes. Zero values: TLS 1.2 at least, Go's cipher suites
// and curves, h2 and http/1.1, no client certificates, unknown names allowed.
type TLSOptions struct {
	Origin                Origin `label:"-" file:"-"`
	MinVersion            string // VersionTLS12 …
	MaxVersion            string
	CipherSuites          []string
	CurvePreferences      []string
	ClientAuth            ClientAuth
	SniStrict             bool
	ALPNProtocols         []string
	DisableSessionTickets bool
}

// ClientAuth asks clients for certificates. ClientAuthType is one of Go's names,
// such as RequireAndVerifyClientCert; empty means NoClientCert.
type ClientAuth struct {
	CAFiles        []string
	ClientAuthType string
}

// TLSStore says which certificate unknown names get.
type TLSStore struct {
	Origin               Origin `label:"-" file:"-"`
	DefaultCertificate   *KeyPair
	DefaultGeneratedCert *GeneratedCert
}

// GeneratedCert has a resolver issue the default certificate.
type GeneratedCert struct {
	Resolver string
	Domain   *Domain
}
