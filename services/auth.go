package services

import (
	"slices"

	"axion/services/auth"
	"axion/services/contract"
	"axion/services/host"
)

// authOptions are the builtin identity provider's, behind a gateway whose HTTPS
// listens on port.
func (s *Builtins) authOptions(port int) auth.Options {
	return auth.Options{
		BaseURL: contract.PublicURL(contract.AuthHost, port), Password: s.env.password, AllowRemote: s.allowRemote,
		Origins: append(ownOrigins(port), s.env.origins...),
	}
}

// authKind is what the services know of auth-service.
func (s *Builtins) authKind() host.AuthKind {
	switch {
	case s.AuthURL() != "":
		return host.AuthBuiltin
	case slices.Contains(s.without, contract.Auth):
		return host.AuthReplaced
	}
	return host.AuthUnknown
}

// AuthURL is the builtin identity provider's direct address; empty without it.
func (s *Builtins) AuthURL() string {
	for _, m := range s.instances {
		if m.Name == contract.Auth {
			return "http://" + m.listener.Addr().String()
		}
	}
	return ""
}
