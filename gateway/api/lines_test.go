package api_test

import (
	"strings"
	"testing"

	"axion/gateway/api"
)

func TestSecretLines(t *testing.T) {
	t.Parallel()
	const apr1 = "$apr1$x$hunter2"
	for _, tt := range []struct{ name, file, text, want string }{
		{"Variables", "c.yaml", "services:\n  shop:\n    environment:\n      DB_PASS: hunter2\n      MYSQL_PWD: 'hunter2'\n" +
			"      SIGNING_KEY: hunter2\n      STRIPE_KEY: hunter2 # hunter2\n      url: hunter2",
			"services:\n  shop:\n    environment:\n      DB_PASS: •••\n      MYSQL_PWD: •••\n      SIGNING_KEY: •••\n" +
				"      STRIPE_KEY: ••• # •••\n      url: •••"},
		{"VariableList", "c.yaml", "environment:\n- TLS_PASSPHRASE=hunter2\n- \"DSN=hunter2\"\ncommand:\n- hunter2=\n- hunter2",
			"environment:\n- TLS_PASSPHRASE=•••\n- \"DSN=•••\ncommand:\n•••\n•••"},
		{"Addresses", "c.yaml", "DSN: \"user:hunter2@tcp(db)/x\"\nurl: postgres://u:hunter2/with-slash@db\nport: 80",
			"DSN: •••\nurl: postgres://•••@db\nport: 80"},
		{"InlineKey", "c.yaml", "tls:\n  certificates:\n    - keyFile: |-\n        -----BEGIN PRIVATE KEY-----\n        hunter2hunter2=\n" +
			"        rule: hunter2\n\n        hunter2\n      certFile: x",
			"tls:\n  certificates:\n    - keyFile: |-\n•••\n•••\n•••\n\n•••\n      certFile: •••"},
		{"Block", "c.yaml", "    SESSION_SECRET: |\n      hunter2\n      traefik.a=hunter2\n    image: shop:1",
			"    SESSION_SECRET: |\n•••\n•••\n    image: shop:1"},
		{"Quoted", "c.yaml", "A: \"hunter2\nrule: hunter2\n  \\\" hunter2\"\nrule: x", "A: •••\n•••\n•••\nrule: x"},
		{"Plain", "c.yaml", "A: hunter2\n  url: hunter2\nB:\n  hunter2", "A: •••\n•••\nB:\n•••"},
		{"LabelBlock", "c.yaml", "labels:\n  traefik.http.middlewares.a.basicauth.users: >-\n    me:hunter2\n" +
			"  traefik.http.routers.a.rule: >-\n    Host(`a`) ||\n    Host(`b`)\n  other: hunter2",
			"labels:\n  traefik.http.middlewares.a.basicauth.users: >-\n•••\n  traefik.http.routers.a.rule: >-\n    Host(`a`) ||\n    Host(`b`)\n" +
				"  other: •••"},
		{"LabelBelow", "c.yaml", "labels:\n  traefik.http.middlewares.a.basicauth.users:\n    me:hunter2",
			"labels:\n  traefik.http.middlewares.a.basicauth.users:\n•••"},
		{"Users", "d.yaml", "http:\n  middlewares:\n    auth:\n      basicAuth:\n        users:\n          - \"admin:" + apr1 +
			"\"\n        realm: x",
			"http:\n  middlewares:\n    auth:\n      basicAuth:\n        users:\n•••\n        realm: •••"},
		{"Headers", "d.yaml", "customRequestHeaders:\n  X-Pass: hunter2\n  service: hunter2",
			"customRequestHeaders:\n  X-Pass: •••\n  service: •••"},
		{"Lists", "d.yaml", "routers:\n  shop:\n    entryPoints:\n      - web\n    middlewares: [auth, strip]\n    service: shop",
			"routers:\n  shop:\n    entryPoints:\n      - web\n    middlewares: [auth, strip]\n    service: shop"},
		{"TOML", "d.toml", "[http.routers.a]\n  rule = \"Host(`a`)\"\n[http.middlewares.a.basicAuth]\n  users = [\n    \"me:" + apr1 +
			"\",\n  ]\n  key = \"\"\"\nrule = hunter2\n\"\"\"\n  priority = 2",
			"[http.routers.a]\n  rule = \"Host(`a`)\"\n[http.middlewares.a.basicAuth]\n  users = [\n•••\n  ]\n  key = •••\n•••\n•••\n" +
				"  priority = 2"},
		{"TOMLHeaders", "d.toml", "[http.middlewares.a.headers.customRequestHeaders]\nservice = \"hunter2\"",
			"[http.middlewares.a.headers.customRequestHeaders]\nservice = •••"},
		{"JSON", "c.yaml", "{\n\"port\":80,\"password\":\"hunter2\"\n\"traefik.a\": \"b\", \"c\": \"hunter2\"\n}",
			"{\n\"port\":•••\n\"traefik.a\": •••\n}"},
		{"LabelsWithout", "c.yaml", "labels:\n- traefik.a.b=\n- A=hunter2\n- traefik.a.rule\n- hunter2\n- traefik.a.b=[\n- hunter2",
			"labels:\n- traefik.a.b=\n- A=•••\n- traefik.a.rule\n•••\n- traefik.a.b=[\n•••"},
		{"Flow", "c.yaml", "environment: {A: hunter2}\nenvironment: [A=hunter2]\nenvironment: {\nurl: hunter2,\n  url: hunter2 }\n" +
			"{url: hunter2}\nport: 80, a: hunter2",
			"environment: •••\nenvironment: •••\nenvironment: {\nurl: •••\n•••\n•••\nport: •••"},
		{"Comment", "c.yaml", "# DB_PASS=hunter2\nrule: a # hunter2", "# •••\nrule: a # •••"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := api.HideLines(tt.file, tt.text)
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("a secret is shown: %s", got)
			}
		})
	}
}

func TestSecretLabels(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"middlewares.a.basicauth.users", "middlewares.a.basicauth.user", "middlewares.${A:-b}.basicauth.users",
		"middlewares.a.digestauth.users[0]",
		"middlewares.a.headers.customrequestheaders.X-Pass", "middlewares.a.headers.customresponseheaders.X-Plain",
		"middlewares.a.plugin.b.apiKey",
		"services.a.loadbalancer.healthcheck.headers.X-Check", "services.a.x.signature", "services.a.dsn",
	} {
		for _, line := range []string{"- traefik.http.%=hunter2", `- "traefik.http.%=hunter2"`, "traefik.http.%: hunter2",
			`"traefik.http.%": "hunter2",`} {
			line = strings.ReplaceAll(line, "%", name)
			if got := api.HideLines("c.yaml", line); strings.Contains(got, "hunter2") || !strings.Contains(got, name) {
				t.Errorf("%s: got %s", line, got)
			}
		}
	}
	for _, line := range []string{
		"- traefik.http.routers.shop.rul=Host(`a`)", `- "traefik.http.routers.auth.rule=Hots(` + "`x`" + `)"`,
		"traefik.http.routers.auth.rule: Host(`a`, `b`)",
		"- traefik.http.routers.shop.rule", "- traefik.http.routers.shop.rule:Host(`a`)",
		"- traefik.http.services.shop.loadbalancer.passhostheader=true",
		"- traefik.http.middlewares.a.forwardauth.address=http://auth/verify", "- traefik.tcp.routers.db.tls.passthrough=true",
		"- traefik.enable=true",
		"- traefik.http.middlewares.a.headers.customresponseheaders.X-Robots-Tag=none",
	} {
		if got := api.HideLines("c.yaml", line); got != line {
			t.Errorf("%s: got %s", line, got)
		}
	}
	for _, value := range []string{"me:$$apr1$$hunter2", "me:$2y$05$hunter2", "me:{SHA}hunter2", "-----BEGIN PRIVATE KEY----- hunter2",
		"http://u:hunter2@db", "http://hunter2@db", `http://u:hunter2/a"b@db`} {
		if got := api.HideLines("c.yaml", "- traefik.http.services.a.b="+value); strings.Contains(got, "hunter2") {
			t.Errorf("%s: got %s", value, got)
		}
	}
}

// FuzzSecretLine puts what is secret where no line may show it.
func FuzzSecretLine(f *testing.F) {
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
		for _, file := range []string{"c.yaml", "c.toml"} {
			got := api.HideLines(file, text+"\nDB_PASS: hunter2\n  hunter2\nurl: http://u:hunter2/a@db\n- a:$2y$05$hunter2\n")
			if strings.Contains(got, "hunter2") {
				t.Errorf("%q: shown as %q", text, got)
			}
			if lines := strings.Count(got, "\n"); lines != strings.Count(text, "\n")+5 {
				t.Errorf("%q: got %d lines", text, lines)
			}
		}
	})
}
