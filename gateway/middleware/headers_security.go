package middleware

import (
	"cmp"
	"fmt"
	"net/http"

	"axion/gateway/config"
)

// security holds the headers that make browsers careful.
type security struct {
	always map[string]string
	// sts goes over TLS only, unless forced.
	sts      string
	forceSTS bool
}

func securityHeaders(c *config.Headers) security {
	s := security{always: make(map[string]string), forceSTS: c.ForceSTSHeader}
	put := func(name, value string) {
		if value != "" {
			s.always[name] = value
		}
	}
	put("X-Frame-Options", cmp.Or(c.CustomFrameOptionsValue, when(c.FrameDeny, "DENY")))
	put("X-Content-Type-Options", when(c.ContentTypeNosniff, "nosniff"))
	put("X-Xss-Protection", cmp.Or(c.CustomBrowserXSSValue, when(c.BrowserXSSFilter, "1; mode=block")))
	put("Content-Security-Policy", c.ContentSecurityPolicy)
	put("Content-Security-Policy-Report-Only", c.ContentSecurityPolicyReportOnly)
	put("Referrer-Policy", c.ReferrerPolicy)
	put("Permissions-Policy", c.PermissionsPolicy)
	if c.IsDevelopment {
		return s
	}
	if c.STSSeconds > 0 {
		s.sts = fmt.Sprintf("max-age=%d", c.STSSeconds) +
			when(c.STSIncludeSubdomains, "; includeSubDomains") + when(c.STSPreload, "; preload")
	}
	return s
}

func when(on bool, value string) string {
	if on {
		return value
	}
	return ""
}

func (s security) set(h http.Header, tls bool) {
	for name, value := range s.always {
		h.Set(name, value)
	}
	if s.sts != "" && (tls || s.forceSTS) {
		h.Set("Strict-Transport-Security", s.sts)
	}
}
