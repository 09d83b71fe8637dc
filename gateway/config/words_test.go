package config_test

import (
	"testing"

	"axion/gateway/config"
)

func TestInWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`strconv.ParseInt: parsing "x": invalid syntax`:                          `"x" is not a number`,
		"error parsing regexp: missing closing ): `(`":                           "the regular expression is malformed: missing closing ): `(`",
		`parse "http://a b": invalid character " " in host name`:                 `"http://a b" is no URL: invalid character " " in host name`,
		`ParseAddr("x"): unable to parse IP`:                                     `"x" is neither an IP address nor a range`,
		`netip.ParsePrefix("x/99"): prefix length out of range`:                  `"x/99" is neither an IP address nor a range`,
		`'services[a].labels' unexpected value type int for labels`:              "it must not be a number",
		`services.a.labels.[0]: unexpected type map[string]interface {}`:         "it must not be a mapping",
		`'x' expected type 'string', got unconvertible type '[]any', value: 'a'`: "it must be a text, not a list",
		`open /x/y.pem: no such file or directory`:                               "/x/y.pem: no such file or directory",
		`time: invalid duration "soon"`:                                          `"soon" is not a duration such as 10s`,
		"two\nlines":                                                             "two lines",
		"the middleware \"m\" is not used":                                       "the middleware \"m\" is not used",
	} {
		if got := config.InWords(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestMeantName(t *testing.T) {
	t.Parallel()
	known := []string{"auth@file", "strip@docker"}
	for name, want := range map[string]string{
		"auth@docker": `"auth@file" is there: name the provider too`, "strp@docker": `did you mean "strip@docker"?`,
		"zzzz@docker": "", "zzzz@kubernetescrd": "the providers here are docker, file and internal",
	} {
		if got := config.MeantName(name, known); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// A finding about a file names the path as it is written, and the line of what is
// nearest to it.
func TestProblemOfFile(t *testing.T) {
	t.Parallel()
	d := &config.Dynamic{Locations: map[config.Scope][]*config.LabelLocations{{Provider: "file", Layer: 1}: {
		{File: "other.yml", Lines: map[string]int{"http.routers.a": 9, "http.routers.a.entryPoints": 9}},
		{File: "a.yml", Lines: map[string]int{"http.routers.a": 3, "http.routers.a.entryPoints": 5}},
	}}}
	o := config.Origin{Provider: "file", File: "a.yml", Line: 3, Layer: 1}
	for path, want := range map[string]string{
		"http.routers.a.entrypoints": "a.yml:5: http.routers.a.entryPoints: wrong",
		"http.routers.a.tls.options": "a.yml:3: http.routers.a.tls.options: wrong",
		"http.services.s":            "a.yml:3: http.services.s: wrong",
	} {
		if got := d.Problem(config.Error, o, path, "wrong", "").Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if o.Setting("http.x") != "http.x" || (config.Origin{Provider: "docker"}).Setting("http.x") != "the label traefik.http.x" ||
		o.Assign("http.routers.a.tls", "true") != "http.routers.a.tls: {}" {
		t.Error("a setting is not written as its author would")
	}
}
