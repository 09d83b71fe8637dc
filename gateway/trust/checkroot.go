package trust

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// checkRoot looks at the root's certificate and its key.
func checkRoot(r *root) []Check {
	anew := "remove " + filepath.Dir(r.file) + ", start axion and run axion trust"
	whole := Check{Name: "root", State: fine, Detail: fmt.Sprintf("%s, until %s", r.file, r.cert.NotAfter.Format(time.DateOnly))}
	if !r.cert.IsCA {
		whole.State, whole.Detail, whole.Fix = failed, r.file+" is not a certificate of an authority", anew
	}
	bound := Check{Name: "root's limits", State: fine,
		Detail: "it can vouch for " + strings.Join(r.cert.PermittedDNSDomains, ", ") + " and loopback addresses only"}
	if !r.cert.PermittedDNSDomainsCritical || !slices.Equal(r.cert.PermittedDNSDomains, []string{"localhost"}) ||
		len(r.cert.PermittedIPRanges) == 0 {
		bound.State, bound.Detail, bound.Fix = failed, "it could vouch for any site: whoever gets its key could read your traffic",
			"axion untrust; "+anew
	}
	if bound.State == fine && !isServerOnly(r.cert) {
		bound.State, bound.Fix = warning, "axion untrust; "+anew
		bound.Detail = "it was made before roots were for servers alone: it could vouch for clients, programs and mail addresses too"
	}
	clock := Check{Name: "clock", State: fine, Detail: "within the root's lifetime"}
	if now := time.Now(); now.Before(r.cert.NotBefore) {
		clock.State, clock.Detail = failed,
			fmt.Sprintf("it shows %s, before the root was made on %s", now.Format(time.RFC3339), r.cert.NotBefore.Format(time.RFC3339))
		clock.Fix = "set the clock; clients refuse certificates of the future"
	} else if now.After(r.cert.NotAfter) {
		clock.State, clock.Detail, clock.Fix = failed, "the root has expired on "+r.cert.NotAfter.Format(time.RFC3339),
			"set the clock if it is wrong; else "+anew
	}
	return []Check{whole, bound, checkKey(filepath.Join(filepath.Dir(r.file), "root.key")), clock}
}

// isServerOnly reports whether a root stands for servers and nothing else, as those do
// that are made now.
func isServerOnly(c *x509.Certificate) bool {
	return slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) && len(c.UnknownExtKeyUsage) == 0 &&
		len(c.PermittedEmailAddresses) > 0 && slices.Equal(c.PermittedEmailAddresses, c.ExcludedEmailAddresses)
}

// checkKey looks at who may read the root's key.
func checkKey(file string) Check {
	c := Check{Name: "root's key", State: fine, Detail: "only you can read it"}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.State, c.Detail = warning, "it is not beside the certificate: no certificate can be issued from here"
	case err != nil:
		c.State, c.Detail = warning, err.Error()
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		c.State, c.Detail = failed, fmt.Sprintf("others can read it: its mode is %04o", info.Mode().Perm())
		c.Fix = shell("chmod", "600", file)
	}
	return c
}

// checkStores asks each store whether it trusts the root. Only the system's is
// essential: most clients go by it.
func (m *machine) checkStores(ctx context.Context, r *root) []Check {
	list, problems := m.stores()
	var checks []Check
	for _, p := range problems {
		checks = append(checks, Check{Name: p.Store, State: warning, Detail: p.Detail, Fix: p.Fix})
	}
	for _, s := range list {
		name, where := s.place()
		c := Check{Name: name + " trust", State: fine, Detail: "trusts the root (" + where + ")"}
		if ok, err := s.trusts(ctx, r); err != nil {
			c.State, c.Detail = warning, fmt.Sprintf("cannot tell: %v (%s)", err, where)
		} else if !ok {
			c.State, c.Detail, c.Fix = warning, "does not trust the root ("+where+")", "axion trust"
		}
		if name == "system" && c.State == warning {
			c.State = failed
		}
		checks = append(checks, c)
	}
	return checks
}
