package middleware

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"axion/gateway/config"
)

// ipAllowList refuses clients whose address is in none of the ranges.
func ipAllowList(c *config.IPAllowList) (Middleware, error) {
	if len(c.SourceRange) == 0 {
		return nil, errors.New("sourcerange is empty: nobody could pass")
	}
	allowed, err := parseRanges("sourcerange", c.SourceRange)
	if err != nil {
		return nil, err
	}
	address, err := newAddressOf(c.IPStrategy)
	if err != nil {
		return nil, err
	}
	status := cmp.Or(c.RejectStatusCode, http.StatusForbidden)
	if status < 200 || status > 599 {
		return nil, fmt.Errorf("rejectstatuscode %d is not a status from 200 to 599", status)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			addr, err := netip.ParseAddr(address.of(r))
			if err != nil || !allowed.contain(addr.Unmap().WithZone("")) {
				http.Error(w, http.StatusText(status), status)
				return
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}
