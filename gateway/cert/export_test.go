package cert

import (
	"context"
	"slices"
)

// Renew has every certificate by ACME renewed, as if its end were near, and lets
// handshakes see the new one at once.
func (a *Authority) Renew(ctx context.Context) error {
	for _, account := range a.state.Load().public {
		account.magic.RenewalWindowRatio = 1
		account.magic.DisableARI = true
	}
	err := a.public.cache.Load().RenewManagedCertificates(ctx)
	return err
}

// Forget has handshakes look into certmagic's cache.
func (a *Authority) Forget(host string) { a.public.recent.forget(host) }

// PublicHosts are those with certificates by ACME, sorted.
func (a *Authority) PublicHosts() []string { return keys(a.state.Load().public) }

// Idle reports whether nothing was opened for ACME.
func (a *Authority) Idle() bool { return a.public.cache.Load() == nil && a.public.challengePort == nil }

// IsPublic is for tests of names.
func IsPublic(names ...string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return !isPublic(n) })
}
