package stacktest_test

import (
	"strings"
	"testing"

	"axion/services/bus/nesttest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestReplaceByNest takes codegen's place by a NestJS application, be it one that
// listens on the service's topic or one that knows only patterns: the main flow
// ends with the site that it made. Killed and started again, it goes on.
func TestReplaceByNest(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	for _, role := range []string{nesttest.Codegen, nesttest.Patterns} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			s := stacktest.Launch(t, binary, "--without", contract.Codegen)
			peer := nesttest.ServerOptions{Brokers: []string{s.Summary.Kafka}, Group: contract.Codegen, Role: role}
			codegen := app.Serve(t, peer)
			ws := s.WebSocket(t, "/ws?token="+s.Token)
			first := s.Create(t, "", "first", "any-template")
			wantNestSite(t, s, ws, first)
			if got := codegen.Next(t); got.Key != first.ID {
				t.Errorf("codegen: got key %s, want the project's id %s", got.Key, first.ID)
			}
			codegen.Kill()
			second := s.Create(t, "", "second", "any-template")
			app.Serve(t, peer)
			wantNestSite(t, s, ws, second)
		})
	}
}

// wantNestSite waits for a project's site, which NestJS made.
func wantNestSite(t *testing.T, s *stacktest.Process, ws *stacktest.Socket, p stacktest.Project) {
	t.Helper()
	ws.Until(t, p.ID, contract.DeploymentSucceeded)
	page := s.Get(t, s.URL(p.Slug+"."+contract.AppsDomain, "/"))
	if got := string(page.Body); page.Status != 200 || !strings.Contains(got, "made by NestJS") {
		t.Errorf("site: got %d %s", page.Status, got)
	}
}

// TestNestClient asks the builtins of a running stack from a NestJS client.
func TestNestClient(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	s := stacktest.Launch(t, binary)
	validate := contract.PatternTopic(contract.Auth, contract.ValidateSession)
	generate := contract.PatternTopic(contract.Codegen, contract.GenerateCode)
	remove := contract.PatternTopic(contract.Infrastructure, contract.Deprovision)
	client := app.Connect(t, []string{s.Summary.Kafka}, "model", validate, generate, remove)
	for _, tt := range []struct {
		name, topic string
		in          any
		want        string
	}{
		{"Generate", generate, contract.GenerateCodeRequest{ProjectID: "p1", Name: "from nest"}, `"path":"index.html"`},
		{"Deprovision", remove, contract.DeprovisionRequest{ProjectID: "p1"}, `{"removed":false}`},
		{"ErrTemplate", generate, contract.GenerateCodeRequest{ProjectID: "p1", Template: "nope"}, `nope`},
		{"ErrSession", validate, contract.ValidateSessionRequest{Token: "nope"}, `"status":"error"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := client.Send(t, tt.topic, tt.in)
			got := string(a.Error)
			for _, v := range a.Values {
				got += string(v)
			}
			if !strings.Contains(got, tt.want) || strings.HasPrefix(tt.name, "Err") != (a.Error != nil) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
