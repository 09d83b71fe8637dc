package api

import (
	"net/http"
	"strings"

	"axion/gateway/routing"
)

// pages serve the API, and send browsers that open Traefik's dashboard to the stack's:
// to the page of its routes. Of the service that is the dashboard alone all other paths
// are.
func (a *API) pages(alone bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		settings := a.Table().Dynamic.Static.API
		here := a.Dashboard != "" && (settings == nil || routing.HasDashboard(settings)) &&
			(r.Method == http.MethodGet || r.Method == http.MethodHead)
		path := r.URL.Path
		switch {
		case !here || strings.HasPrefix(path, "/api/"):
			a.ServeHTTP(w, r)
		case alone || path == "/dashboard" || strings.HasPrefix(path, "/dashboard/"):
			http.Redirect(w, r, strings.TrimSuffix(a.Dashboard, "/")+"/routes", http.StatusFound)
		case path == "/":
			base := ""
			if settings != nil {
				base = strings.TrimSuffix(settings.BasePath, "/")
			}
			w.Header().Set("Location", forwardedPrefix(r)+base+"/dashboard/") // http.Redirect knows neither
			w.WriteHeader(http.StatusFound)
		default:
			a.ServeHTTP(w, r)
		}
	})
}

// forwardedPrefix is what a middleware, or a proxy before this one, took from the path.
// It is empty where that would lead to another host.
func forwardedPrefix(r *http.Request) string {
	prefix := strings.TrimSuffix(r.Header.Get("X-Forwarded-Prefix"), "/")
	if !strings.HasPrefix(prefix, "/") || strings.HasPrefix(prefix, "//") || strings.ContainsAny(prefix, "\\\t\r\n") {
		return ""
	}
	return prefix
}

// Internals are the services that routers can name, such as ping@internal.
func (a *API) Internals() map[string]http.Handler {
	return map[string]http.Handler{
		"api":        a.pages(false),
		"dashboard":  a.pages(true),
		"ping":       http.HandlerFunc(a.ping),
		"prometheus": http.HandlerFunc(a.metrics),
		// noop is for routers whose middlewares answer every request themselves.
		"noop": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
	}
}
