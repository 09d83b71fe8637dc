package cert

import (
	"crypto/tls"
	"fmt"
	"slices"
)

var (
	versions = map[string]uint16{
		"VersionTLS10": tls.VersionTLS10, "VersionTLS11": tls.VersionTLS11,
		"VersionTLS12": tls.VersionTLS12, "VersionTLS13": tls.VersionTLS13,
	}
	// curves by Go's names, and by those of RFC 8446.
	curves = map[string]tls.CurveID{
		"CurveP256": tls.CurveP256, "secp256r1": tls.CurveP256,
		"CurveP384": tls.CurveP384, "secp384r1": tls.CurveP384,
		"CurveP521": tls.CurveP521, "secp521r1": tls.CurveP521,
		"X25519": tls.X25519, "x25519": tls.X25519,
		"X25519MLKEM768": tls.X25519MLKEM768, "x25519mlkem768": tls.X25519MLKEM768,
		"SecP256r1MLKEM768": tls.SecP256r1MLKEM768, "secp256r1mlkem768": tls.SecP256r1MLKEM768,
		"SecP384r1MLKEM1024": tls.SecP384r1MLKEM1024, "secp384r1mlkem1024": tls.SecP384r1MLKEM1024,
	}
	clientAuths = map[string]tls.ClientAuthType{
		"NoClientCert": tls.NoClientCert, "RequestClientCert": tls.RequestClientCert,
		"RequireAnyClientCert": tls.RequireAnyClientCert, "VerifyClientCertIfGiven": tls.VerifyClientCertIfGiven,
		"RequireAndVerifyClientCert": tls.RequireAndVerifyClientCert,
	}
	suites = cipherSuites()
)

// cipherSuites are Go's, the insecure ones included, as who names one wants it.
func cipherSuites() map[string]uint16 {
	all := map[string]uint16{
		"TLS_FALLBACK_SCSV": tls.TLS_FALLBACK_SCSV,
		// Older Go names, which are still found in configurations.
		"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305":   tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	for _, list := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range list {
			all[s.Name] = s.ID
		}
	}
	return all
}

// optionError says what is wrong with a field of TLS options.
type optionError struct{ field, text, hint string }

func (e *optionError) Error() string { return e.field + ": " + e.text }

// Hint is the hint shown with the error.
func (e *optionError) Hint() string { return e.hint }

// parse finds a name of a field.
func parse[V any](field, name string, known map[string]V) (V, error) {
	v, ok := known[name]
	if !ok {
		names := keys(known)
		slices.Reverse(names) // of two as close, such as versions, the later one
		hint := nearest(name, names)
		if hint == "" {
			hint = fmt.Sprintf("known are %v", keys(known))
		}
		return v, &optionError{field, quote(name) + " is not known", hint}
	}
	return v, nil
}

// parseAll finds each name of a field. None give nil, which means Go's choice.
func parseAll[V any](field string, names []string, known map[string]V) ([]V, error) {
	var all []V
	for _, name := range names {
		v, err := parse(field, name, known)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}
