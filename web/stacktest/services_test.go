package stacktest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
	"axion/web/stacktest"
)

// TestServicesPage opens every part of Services by its address.
func TestServicesPage(t *testing.T) {
	t.Parallel()
	stacktest.NeedNode(t)
	b := stacktest.OpenTab(t)
	s, _ := routed(t)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	project := s.Create(t, "", "Tea room", "")
	ws.ReadUntil(t, project.ID, contract.DeploymentSucceeded)
	workers := s.Kafka(t, kgo.ConsumerGroup("shop-workers"), kgo.ConsumeTopics(contract.Topic(contract.Deployment)),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	workers.PollRecords(t.Context(), 1)
	if err := workers.CommitUncommittedOffsets(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		path  string
		words []string
	}{
		{"/services", []string{"Yours", "shop", "Built in", contract.Graph, "Projects", "tea-room", "Elsewhere", "shop-workers", "reads Kafka"}},
		{"/services/" + contract.Graph, []string{"1 instance", "SQLite", "broker", contract.Topic(contract.Deployment), "axion-graph@docker"}},
		{"/services/" + contract.Graph + "/endpoints", []string{"/api/projects/{id}", "Create a project"}},
		{"/services/" + contract.Graph + "/logs", []string{"From level"}},
		{"/services/shop", []string{"1 server", "shop@docker", "Running", "nothing here provides it"}},
		{"/services/shop-workers", []string{"It runs elsewhere", contract.Topic(contract.Deployment), "group shop-workers"}},
		{"/services/tea-room", []string{"Restarts", "files, served by infrastructure-service", "tea-room"}},
		{"/services/tea-room/logs", []string{"Files say nothing"}},
		{"/services/nobody", []string{"There is no such service now"}},
		{"/services?q=zzz", []string{"No service matches"}},
	} {
		b.Open(s.Dashboard + p.path)
		b.Await(p.words...)
		everySize(b, p.path)
	}
	b.AssertNoConsoleErrors()
}

// TestServicesRequest sends requests by the forms of a builtin's document and of a
// foreign service's, which has it where NestJS does.
func TestServicesRequest(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	s, _ := routed(t)
	b.Open(s.Dashboard + "/services/" + contract.Graph + "/endpoints/get%20%2Fapi%2Fprojects")
	b.Await("with the development token")
	b.Run(chromedp.SendKeys(chromedp.CSS(".operation-form input.mono"), "101"))
	b.Await("must be at most 100")
	b.Open(s.Dashboard + "/services/" + contract.Graph + "/endpoints/post%20%2Fapi%2Fprojects")
	b.AwaitTrue("(text) => document.querySelector('.operation-form textarea')?.value.includes(text)", `"name"`)
	b.Run(chromedp.Click(chromedp.CSS(".operation-form .button.primary")))
	b.Await("201 Created", "See what it caused")

	b.Open(s.Dashboard + "/services/shop/endpoints/get%20%2Fitems%2F%7Bid%7D")
	b.Await("One item", "Shop 7", "is needed")
	b.Run(chromedp.SendKeys(chromedp.CSS(".operation-form input.mono"), "42"), chromedp.Click(chromedp.CSS(".operation-form .button.primary")))
	b.Await("200 OK")
	b.AwaitTrue("(text) => document.querySelector('.answer .json-tree')?.textContent.includes(text)", `"item": "42"`)
	b.AssertNoConsoleErrors()
}

// TestServicesLive deploys a project while the list is open, and has a service of
// the user's own say something while its logs are.
func TestServicesLive(t *testing.T) {
	t.Parallel()
	b := stacktest.OpenTab(t)
	s, _ := routed(t)
	b.Open(s.Dashboard + "/services")
	b.Await("shop")
	s.Create(t, "", "Tea room", "")
	b.Await("tea-room")
	b.Open(s.Dashboard + "/services/shop/logs")
	b.Await("It has said nothing yet")
	say := func(level, text string) {
		t.Helper()
		line := map[string]any{"severityText": level, "severityNumber": map[string]int{"INFO": 9, "WARN": 13}[level],
			"body": map[string]string{"stringValue": text}}
		a := s.Do(t, "POST", s.OTLPHTTP+"/v1/logs", "", map[string]any{"resourceLogs": []any{map[string]any{
			"resource": map[string]any{"attributes": []any{map[string]any{"key": "service.name",
				"value": map[string]string{"stringValue": "shop"}}}},
			"scopeLogs": []any{map[string]any{"logRecords": []any{line}}},
		}}})
		if a.Status != 200 {
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
	}
	say("WARN", "the stock is low")
	b.Await("the stock is low")
	b.Open(s.Dashboard + "/services/shop/logs?level=warn")
	b.Await("the stock is low")
	say("INFO", "an order came")
	say("WARN", "the stock is gone")
	b.Await("the stock is gone")
	b.AwaitGone("an order came")
	b.AssertNoConsoleErrors()
}

// TestServicesOfFile opens the pages of a compose file's services: one whose file changes,
// that is stopped and started there, and one that crashes.
func TestServicesOfFile(t *testing.T) {
	t.Parallel()
	stacktest.NeedNode(t)
	dir := t.TempDir()
	save := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save("run.sh", "printf '\\033[31mfirst\\033[0m pot\\n'; exec sleep 1000\n")
	save("compose.yaml", `
services:
  tea:
    environment: {KAFKA_URL: "kafka:9092", TEA_PASSWORD: leaves}
    x-axion: {command: sh run.sh, directory: ., watch: ["*.sh"]}
  crash:
    x-axion: {command: "sh -c 'echo no beans >&2; exit 3'", directory: .}
  kafka: {image: "apache/kafka:4.0.0"}
`)
	s := stacktest.Launch(t, binary, "-f", filepath.Join(dir, "compose.yaml"))
	b := stacktest.OpenTab(t)
	b.Open(s.Dashboard + "/services/tea/logs")
	b.Await("first pot")
	everySize(b, "/services/tea/logs")
	save("run.sh", "echo second pot; exec sleep 1000\n")
	b.Await("second pot")
	b.Open(s.Dashboard + "/")
	b.AwaitTrue("(text) => document.querySelector('.happened')?.innerText.includes(text)", "run.sh changed")
	for path, words := range map[string][]string{
		"/services":                 {"tea", "crash", "axion itself", "Failed"},
		"/services/crash":           {"It does not run", "no beans", "exit code 3", "What happened"},
		"/services/tea/environment": {"KAFKA_URL", "kafka:9092", "TEA_PASSWORD", "Show 1 secret"},
		"/logs?service=crash":       {"no beans"},
	} {
		b.Open(s.Dashboard + path)
		b.Await(words...)
		everySize(b, path)
	}
	b.Open(s.Dashboard + "/services/tea")
	press := func(word string) {
		t.Helper()
		b.AwaitTrue(`(word) => { const found = [...document.querySelectorAll(".service-actions button")].find((b) => b.innerText === word && !b.disabled); `+
			`found?.click(); return Boolean(found); }`, word)
	}
	press("Stop")
	b.Await("Stopped", "from the page")
	press("Start")
	b.Await("Running")
	b.AssertNoConsoleErrors()
}
