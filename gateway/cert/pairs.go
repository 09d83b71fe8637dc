package cert

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"axion/gateway/certfile"
	"axion/gateway/config"
	"axion/gateway/hint"
)

// fileCerts are the user's certificates by the names in them, wildcards as written.
type fileCerts map[string][]*tls.Certificate

// names reports whether one of them is for host.
func (p fileCerts) names(host string) bool { return len(p.list(host)) > 0 }

// list gives those that name host, before those with a wildcard for it.
func (p fileCerts) list(host string) []*tls.Certificate {
	if list := p[host]; len(p) == 0 || len(list) > 0 {
		return list
	}
	if _, parent, ok := strings.Cut(host, "."); ok {
		return p["*."+parent]
	}
	return nil
}

// find gives the certificate for host, of several the first that the client
// supports, or nil.
func (p fileCerts) find(hello *tls.ClientHelloInfo, host string) *tls.Certificate {
	list := p.list(host)
	if len(list) == 0 {
		return nil
	}
	for _, c := range list[:len(list)-1] {
		if hello.SupportsCertificate(c) == nil {
			return c
		}
	}
	if last := list[len(list)-1]; len(list) == 1 || hello.SupportsCertificate(last) == nil {
		return last
	}
	return list[0]
}

func (p fileCerts) add(c *tls.Certificate) {
	names := append([]string{}, c.Leaf.DNSNames...)
	for _, ip := range c.Leaf.IPAddresses {
		names = append(names, ip.String())
	}
	if name := c.Leaf.Subject.CommonName; name != "" {
		names = append(names, name) // as Traefik does; modern clients look at the others only
	}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if name = normal(name); !seen[name] {
			seen[name] = true
			p[name] = append(p[name], c)
		}
	}
}

// files remembers the pairs that were read last, for when a file is bad.
type files struct {
	last   map[config.KeyPair]*pair
	stamps map[string]fileStamp // of the files, by path
}

// pair is a certificate and the texts that it was read from.
type pair struct {
	cert, key   []byte
	certificate *tls.Certificate
}

// load reads every certificate anew. A bad one keeps its last good content.
func (f *files) load(from config.TLS, to *report) (fileCerts, *tls.Certificate) {
	next := make(map[config.KeyPair]*pair)
	f.stamps = make(map[string]fileStamp)
	read := func(k config.KeyPair, at config.Origin, what string) *tls.Certificate {
		f.note(k)
		p, err := f.read(k)
		if err != nil {
			message := what + " " + nameOf(k.CertFile) + ": " + err.Error()
			if p = f.last[k]; p != nil {
				message += ": it stays as it was"
			}
			to.fail(at, message, hint.Of(err))
		}
		if p == nil {
			return nil
		}
		next[k] = p
		if end := p.certificate.Leaf.NotAfter; time.Now().After(end) {
			to.warn(at, fmt.Sprintf("%s %s expired on %s", what, nameOf(k.CertFile), end.Format(time.DateOnly)),
				"renew it; a changed file is read anew")
		}
		return p.certificate
	}
	found := fileCerts{}
	for _, c := range from.Certificates {
		if crt := read(config.KeyPair{CertFile: c.CertFile, KeyFile: c.KeyFile}, c.Origin, "the certificate"); crt != nil {
			found.add(crt)
		}
	}
	var fallback *tls.Certificate
	if s := from.Stores[defaultName]; s != nil && s.DefaultCertificate != nil {
		if fallback = read(*s.DefaultCertificate, s.Origin, "the default certificate"); fallback != nil {
			found.add(fallback) // for its own names it is as good as any
		}
	}
	f.last = next
	return found, fallback
}

func (f *files) read(k config.KeyPair) (*pair, error) {
	if k.CertFile == "" || k.KeyFile == "" {
		return nil, errors.New("certFile and keyFile must both be given")
	}
	crt, err := readText(k.CertFile)
	if err != nil {
		return nil, err
	}
	key, err := readText(k.KeyFile)
	if err != nil {
		return nil, err
	}
	if old := f.last[k]; old != nil && bytes.Equal(old.cert, crt) && bytes.Equal(old.key, key) {
		return old, nil
	}
	parsed, err := tls.X509KeyPair(crt, key)
	if err != nil {
		return nil, fmt.Errorf("read it with the key %s: %w", nameOf(k.KeyFile), err)
	}
	return &pair{crt, key, &parsed}, nil
}

// readText gives the content of a file, or PEM text as it is.
func readText(fileOrPEM string) ([]byte, error) {
	data, err := certfile.Read(fileOrPEM)
	if _, known := errors.AsType[*fs.PathError](err); known {
		return nil, &fileError{err}
	}
	return data, err
}

// fileError says that a file cannot be read.
type fileError struct{ err error }

func (e *fileError) Error() string { return e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

// Hint is the hint shown with the error.
func (e *fileError) Hint() string {
	return "files are looked up on this machine: put it there, where the user who runs the stack may read it"
}

// nameOf is a file as shown to users; text is not, as it may hold a key.
func nameOf(fileOrPEM string) string {
	if certfile.IsPEM(fileOrPEM) {
		return "given as text"
	}
	return fileOrPEM
}
