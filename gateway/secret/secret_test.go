package secret_test

import (
	"strings"
	"testing"

	"axion/gateway/secret"
)

func TestURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://127.0.0.1:4000/a":                           "http://127.0.0.1:4000/a",
		"http://me:hunter2@a:1/x?y=z":                       "http://•••@a:1/x?y=z",
		"server url \"http://me:a/b@c@host\": bad":          "server url \"http://•••@host\": bad",
		"me:hunter2@a:1":                                    "•••@a:1",
		`service "bad": "me:hunter2@a" is no URL`:           `service "bad": "•••@a" is no URL`,
		`the service "a@docker": the service "b@file" ends`: `the service "a@docker": the service "b@file" ends`,
		"http://a/?api_key=hunter2&x=1#y":                   "http://a/?api_key=•••&x=1#y",
		"/?token=":                                          "/?token=",
		"a=b@c":                                             "a=b@c",
	} {
		if got := secret.URL(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestRule(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Host(`a.localhost`) && Header(`X-Api-Key`, `hunter2`)": "Host(`a.localhost`) && Header(`X-Api-Key`, `•••`)",
		"!header( \"authorization\",\"hunter2\" )":              "!header( \"authorization\",\"•••\" )",
		"Query(`token`, `hunter2`) || Query(`page`, `1`)":       "Query(`token`, `•••`) || Query(`page`, `1`)",
		"HeaderRegexp(`Authorization`, `^Bearer .+`)":           "HeaderRegexp(`Authorization`, `^Bearer .+`)",
		"HeaderRegexp(`X-A`, `Bearer hunter2`)":                 "HeaderRegexp(`X-A`, `•••`)",
		"Query(`token`)":                                        "Query(`token`)",
	} {
		if got := secret.Rule(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func FuzzShown(f *testing.F) {
	f.Add("http://me:hunter2@a/")
	f.Add("Header(`Authorization`, `x`) && Query(`a`,`b`)")
	f.Fuzz(func(t *testing.T, text string) {
		_ = secret.Header("X", text)
		if secret.Rule(secret.Rule(text)) != secret.Rule(text) {
			t.Errorf("%q: hiding twice is not hiding once", text)
		}
		if at := strings.LastIndex(secret.URL("http://u:hunter2@"+text), "u:hunter2@"); at >= 0 && !strings.ContainsAny(text, " \t\n\v\f\r") {
			t.Errorf("%q: got %q", text, secret.URL("http://u:hunter2@"+text))
		}
	})
}
