package middleware

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"axion/gateway/config"
)

// cors answers other origins' scripts on behalf of the service.
type cors struct {
	config   *config.Headers
	patterns []*regexp.Regexp
	headers  string
	methods  string
	expose   string
}

// newCORS is nil where no CORS setting is made.
func newCORS(c *config.Headers) (*cors, error) {
	x := &cors{
		config:  c,
		headers: strings.Join(c.AccessControlAllowHeaders, ","),
		methods: strings.Join(c.AccessControlAllowMethods, ","),
		expose:  strings.Join(c.AccessControlExposeHeaders, ","),
	}
	for _, s := range c.AccessControlAllowOriginListRegex {
		p, err := regexp.Compile(s)
		if err != nil {
			return nil, fmt.Errorf("headers.accesscontrolalloworiginlistregex: %w", err)
		}
		x.patterns = append(x.patterns, p)
	}
	if !c.AccessControlAllowCredentials && !c.AddVaryHeader && c.AccessControlMaxAge == 0 &&
		len(c.AccessControlAllowOriginList) == 0 && len(x.patterns) == 0 &&
		x.headers == "" && x.methods == "" && x.expose == "" {
		return nil, nil
	}
	return x, nil
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" &&
		r.Header.Get("Access-Control-Request-Method") != ""
}

func (x *cors) preflight(h http.Header, r *http.Request) {
	setIf(h, "Access-Control-Allow-Credentials", x.credentials())
	setIf(h, "Access-Control-Allow-Headers", x.headers)
	setIf(h, "Access-Control-Allow-Methods", x.methods)
	setIf(h, "Access-Control-Allow-Origin", x.allowed(r.Header.Get("Origin")))
	if x.config.AccessControlMaxAge != 0 {
		h.Set("Access-Control-Max-Age", strconv.FormatInt(x.config.AccessControlMaxAge, 10))
	}
	h.Set("Content-Length", "0")
	x.vary(h)
}

func (x *cors) answer(h http.Header, origin string) {
	setIf(h, "Access-Control-Allow-Origin", x.allowed(origin))
	setIf(h, "Access-Control-Allow-Credentials", x.credentials())
	setIf(h, "Access-Control-Expose-Headers", x.expose)
	x.vary(h)
}

func (x *cors) credentials() string {
	if x.config.AccessControlAllowCredentials {
		return "true"
	}
	return ""
}

// allowed is the value of Access-Control-Allow-Origin, empty for none. Browsers
// refuse "*" where credentials are allowed; the origin stands in for it.
func (x *cors) allowed(origin string) string {
	for _, item := range x.config.AccessControlAllowOriginList {
		if item == "*" && (!x.config.AccessControlAllowCredentials || origin == "") {
			return "*"
		}
		if item == "*" || item == origin {
			return origin
		}
	}
	if slices.ContainsFunc(x.patterns, func(p *regexp.Regexp) bool { return p.MatchString(origin) }) {
		return origin
	}
	return ""
}

func (x *cors) vary(h http.Header) {
	if !x.config.AddVaryHeader {
		return
	}
	for _, line := range h.Values("Vary") {
		for name := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(name), "Origin") {
				return
			}
		}
	}
	h.Add("Vary", "Origin")
}

func setIf(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}
