package api_test

import (
	"fmt"
	"strings"
	"testing"

	"axion/gateway/api"
)

func TestNode(t *testing.T) {
	t.Parallel()
	const apr1 = "$apr1$x$hunter2"
	for _, tt := range []struct {
		name, text string
		line       int
		want       string
	}{
		{"Variables", "services:\n  shop:\n    environment:\n      DB_PASS: hunter2\n      MYSQL_PWD: 'hunter2'\n" +
			"      SIGNING_KEY: hunter2\n      STRIPE_KEY: hunter2 # hunter2\n      url: hunter2", 3,
			"    environment:\n      DB_PASS: •••\n      MYSQL_PWD: •••\n      SIGNING_KEY: •••\n      STRIPE_KEY: •••\n      url: •••"},
		{"VariableList", "environment:\n- TLS_PASSPHRASE=hunter2\n- \"DSN=hunter2\"\ncommand:\n- hunter2=\n- hunter2", 1,
			"environment:\n- TLS_PASSPHRASE=•••\n- DSN=•••"},
		{"Command", "command:\n- hunter2=\n- hunter2", 1, "command:\n- •••\n- •••"},
		{"Address", "url: postgres://u:hunter2/with-slash@db\nport: 80", 1, "url: postgres://•••@db"},
		{"Port", "url: postgres://u:hunter2/with-slash@db\nport: 80", 2, "port: 80"},
		{"DSN", "DSN: \"user:hunter2@tcp(db)/x\"", 1, "DSN: •••"},
		{"InlineKey", "tls:\n  certificates:\n    - keyFile: |-\n        -----BEGIN PRIVATE KEY-----\n        hunter2hunter2=\n" +
			"        rule: hunter2\n\n        hunter2\n      certFile: x", 2, "  certificates:\n      keyFile: •••"},
		{"Block", "    SESSION_SECRET: |\n      hunter2\n      traefik.a=hunter2\n    image: shop:1", 1, "    SESSION_SECRET: •••"},
		{"InsideBlock", "    SESSION_SECRET: |\n      hunter2\n      traefik.a=hunter2\n    image: shop:1", 3, ""},
		{"Quoted", "A: \"hunter2\nrule: hunter2\n  \\\" hunter2\"\nrule: x", 1, "A: •••"},
		{"LabelBlock", "labels:\n  traefik.http.middlewares.a.basicauth.users: >-\n    me:hunter2\n" +
			"  traefik.http.routers.a.rule: >-\n    Host(`a`) ||\n    Host(`b`)\n  other: hunter2", 4,
			"  traefik.http.routers.a.rule: Host(`a`) || Host(`b`)"},
		{"LabelBelow", "labels:\n  traefik.http.middlewares.a.basicauth.users:\n    me:hunter2", 2,
			"  traefik.http.middlewares.a.basicauth.users: •••"},
		{"Users", "http:\n  middlewares:\n    auth:\n      basicAuth:\n        users:\n          - \"admin:" + apr1 +
			"\"\n        realm: x", 3, "    auth:\n      basicAuth:\n        users:\n          - •••\n        realm: •••"},
		{"Headers", "customRequestHeaders:\n  X-Pass: hunter2\n  service: hunter2", 1,
			"customRequestHeaders:\n  X-Pass: •••\n  service: •••"},
		{"Lists", "routers:\n  shop:\n    entryPoints:\n      - web\n    middlewares: [auth, strip]\n    service: shop", 2,
			"  shop:\n    entryPoints:\n      - web\n    middlewares: - auth - strip\n    service: shop"},
		{"JSON", "{\n\"port\": 80, \"password\": \"hunter2\"\n}", 2, "port: 80"},
		{"LabelsWithout", "labels:\n- traefik.a.b=\n- A=hunter2\n- traefik.a.rule\n- hunter2", 1,
			"labels:\n- traefik.a.b=\n- A=•••\n- traefik.a.rule\n- •••"},
		{"Flow", "environment: {A: hunter2, B: hunter2}\nenv: [A=hunter2]", 1, "environment: A: ••• B: •••"},
		{"FlowList", "environment: {A: hunter2, B: hunter2}\nenv: [A=hunter2]", 2, "env: - •••"},
		{"Further", "port: 80,a=hunter2", 1, "port: •••"},
		{"Comment", "# DB_PASS=hunter2\nrule: a # hunter2", 2, "rule: a"},
		{"Rule", "rule: Header(`X-Api-Key`, `hunter2`)", 1, "rule: Header(`X-Api-Key`, `•••`)"},
		{"Malformed", "rule: Host(`a`)\nlabels: {", 1, ""},
		{"Documents", "a: b\n---\nrule: x", 3, "rule: x"},
		{"LongSection", "services:\n  a:\n    ports:\n    - 1\n    - 2\n    - 3\n    - 4\n    - 5\n    - 6\n", 2,
			"  a:\n    ports:\n    - 1\n    - 2\n    - 3\n    - 4\n    - 5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := api.ShowNode(tt.text, tt.line)
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if all := everyNode(tt.text); strings.Contains(all, "hunter2") {
				t.Errorf("a secret is shown: %s", all)
			}
		})
	}
}

// everyNode shows what stands at each line of a text.
func everyNode(text string) string {
	all := ""
	for line := range strings.Count(text, "\n") + 2 {
		all += api.ShowNode(text, line) + "\n"
	}
	return all
}

func TestSecretLabels(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"middlewares.a.basicauth.users", "middlewares.a.basicauth.user", "middlewares.${A}.basicauth.users",
		"middlewares.a.digestauth.users[0]",
		"middlewares.a.headers.customrequestheaders.X-Pass", "middlewares.a.headers.customresponseheaders.X-Plain-Token",
		"middlewares.a.plugin.b.apiKey",
		"services.a.loadbalancer.healthcheck.headers.X-Check-Token", "services.a.x.signature", "services.a.dsn",
	} {
		for _, line := range []string{"- traefik.http.%=hunter2", `- "traefik.http.%=hunter2"`, "traefik.http.%: hunter2",
			`{"traefik.http.%": "hunter2"}`} {
			line = strings.ReplaceAll(line, "%", name)
			if got := api.ShowNode(line, 1); strings.Contains(got, "hunter2") || !strings.Contains(got, name) {
				t.Errorf("%s: got %s", line, got)
			}
		}
	}
	for _, line := range []string{
		"- traefik.http.routers.shop.rul=Host(`a`)", "- traefik.http.routers.auth.rule=Hots(`x`)",
		"traefik.http.routers.auth.rule: Host(`a`, `b`)", "- traefik.http.routers.shop.rule",
		"- traefik.http.services.shop.loadbalancer.passhostheader=true",
		"- traefik.http.middlewares.a.forwardauth.address=http://auth/verify", "- traefik.tcp.routers.db.tls.passthrough=true",
		"- traefik.enable=true",
		"- traefik.http.middlewares.a.headers.customresponseheaders.X-Robots-Tag=none",
	} {
		if got := api.ShowNode(line, 1); got != line {
			t.Errorf("%s: got %s", line, got)
		}
	}
	for _, value := range []string{"me:$$apr1$$hunter2", "me:$2y$05$hunter2", "me:{SHA}hunter2", "-----BEGIN PRIVATE KEY----- hunter2",
		"http://u:hunter2@db", "http://hunter2@db", `http://u:hunter2/a"b@db`} {
		if got := api.ShowNode("- traefik.http.services.a.b="+value, 1); strings.Contains(got, "hunter2") {
			t.Errorf("%s: got %s", value, got)
		}
	}
	for _, line := range []string{"- traefik.http.middlewares.a.basicauth.users:me:hunter2",
		"- traefik.http.middlewares.a.basicauth.users me:hunter2=",
		"- traefik.http.routers.a.rule:Host(`a`),hunter2", "- hunter2=traefik.a=b"} {
		if got := api.ShowNode(line, 1); strings.Contains(got, "hunter2") {
			t.Errorf("%s: got %s", line, got)
		}
	}
}

// FuzzSecretNode puts what is secret where no node may show it.
func FuzzSecretNode(f *testing.F) {
	f.Add("traefik.http.middlewares.a.basicauth.users=me:hash")
	f.Add(`POSTGRES_PASSWORD: "x"`)
	f.Add("SESSION_SECRET: |")
	f.Add("users:\n  - \"a:")
	f.Add("- traefik.a.b=")
	f.Add("ports:\n- traefik.a.rule")
	f.Add("rule: \"a\nlabels: {")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "hunter2") {
			return
		}
		secrets := "\nDB_PASS: hunter2\nurl: http://u:hunter2@db\nusers: [\"a:$2y$05$hunter2\"]\n"
		for _, all := range []string{text + secrets, "---\n" + text + "\n---\n" + secrets} {
			if got := everyNode(all); strings.Contains(got, "hunter2") {
				t.Errorf("%q: shown as %q", all, got)
			}
		}
		if got := everyNode(secrets); !strings.Contains(got, fmt.Sprintf("DB_PASS: %s", "•••")) {
			t.Errorf("got %q", got)
		}
	})
}
