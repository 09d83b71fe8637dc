package inbound

import (
	"fmt"
	"net/http"

	"axion/gateway/config"
)

// aliases is what becomes of headers whose names many servers take for others: they
// read X_Auth_User and X.Auth.User as X-Auth-User.
type aliases struct {
	drop, reject bool
	underscore   bool // only the underscore counts
}

// newAliases reads the strategy: the wider of the two settings counts, as in Traefik.
func newAliases(c config.EntryPointHTTP) (aliases, error) {
	key, strategy, underscore := "http.aliasHeadersStrategy", c.AliasHeadersStrategy, false
	if strategy == "" {
		key, strategy, underscore = "http.underscoreHeadersStrategy", c.UnderscoreHeadersStrategy, true
	}
	switch strategy {
	case "", "keep":
		return aliases{}, nil
	case "delete":
		return aliases{drop: true, underscore: underscore}, nil
	case "reject":
		return aliases{reject: true, underscore: underscore}, nil
	}
	return aliases{}, fmt.Errorf("%s: %q is none of keep, delete and reject", key, strategy)
}

func (a aliases) apply(h http.Header) error {
	if !a.drop && !a.reject {
		return nil
	}
	for name := range h {
		if !a.concerns(name) {
			continue
		}
		if a.reject {
			return errName
		}
		delete(h, name)
	}
	return nil
}

func (a aliases) concerns(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_':
			return true
		case a.underscore, c == '-', '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'z':
		default:
			return true
		}
	}
	return false
}
