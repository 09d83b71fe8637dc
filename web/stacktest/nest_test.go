package stacktest_test

import (
	"strings"
	"testing"

	"axion/services/bus/nesttest"
	"axion/services/clustertest"
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
			s := stacktest.Launch(t, binary, append(clustertest.Flags(t), "--without", contract.Codegen)...)
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
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	page := s.Get(t, s.URL(p.Slug+"."+contract.AppsDomain, "/"))
	if got := string(page.Body); page.Status != 200 || !strings.Contains(got, "made by NestJS") {
		t.Errorf("site: got %d %s", page.Status, got)
	}
}

// TestNestClient asks the builtins of a running stack from a NestJS client, on each
// pattern topic that there is.
func TestNestClient(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	asked := map[string]bool{} // by topic
	var topics []string
	for service, types := range contract.Requests() {
		for _, typ := range types {
			topics = append(topics, contract.PatternTopic(service, typ))
		}
	}
	s := stacktest.Launch(t, binary, clustertest.Flags(t, nesttest.ReplyTopics(topics...)...)...)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "there", "")
	end, _ := ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	client := app.Connect(t, []string{s.Summary.Kafka}, "model", topics...)
	for _, tt := range nestAsks(p, end.DeploymentID) {
		t.Run(tt.name, func(t *testing.T) {
			topic := contract.PatternTopic(tt.service, tt.typ)
			asked[topic] = true
			a := client.Send(t, topic, tt.in)
			got := string(a.Error)
			for _, v := range a.Values {
				got += string(v)
			}
			if !strings.Contains(got, tt.want) || strings.HasPrefix(tt.name, "Err") != (a.Error != nil) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	for _, topic := range topics {
		if !asked[topic] {
			t.Errorf("%s was not asked", topic)
		}
	}
}

// nestAsk is a request, and what its answer or error holds.
type nestAsk struct {
	name, service, typ string
	in                 any
	want               string
}

// nestAsks are requests about a project with one deployment, which they delete.
func nestAsks(p stacktest.Project, deployment string) []nestAsk {
	mine := contract.ProjectRequest{UserID: p.UserID, ProjectID: p.ID}
	ended := contract.DeploymentRequest{UserID: p.UserID, DeploymentID: deployment}
	page := contract.ProvisionRequest{
		ProjectID: "p2", DeploymentID: "d2", Slug: "asked", Files: []contract.File{{Path: "index.html", Content: "asked for"}},
	}
	return []nestAsk{
		{"Generate", contract.Codegen, contract.GenerateCode, contract.GenerateCodeRequest{ProjectID: "p1", Name: "from nest"},
			`"path":"index.html"`},
		{"Runtimes", contract.Infrastructure, contract.ListRuntimes, contract.RuntimeRequest{UserID: p.UserID}, `"slug":"there"`},
		{"Create", contract.Graph, contract.CreateProject, contract.ProjectRequest{UserID: p.UserID, Name: "By Nest"}, `"slug":"by-nest"`},
		{"Update", contract.Graph, contract.UpdateProject, contract.ProjectRequest{UserID: p.UserID, ProjectID: p.ID, Name: "Renamed"},
			`"name":"Renamed"`},
		{"Get", contract.Graph, contract.GetProject, mine, `"name":"Renamed"`},
		{"List", contract.Graph, contract.ListProjects, contract.ProjectRequest{UserID: p.UserID}, `"name":"Renamed"`},
		{"Deployments", contract.Deployment, contract.ListDeployments, contract.DeploymentRequest{UserID: p.UserID, ProjectID: p.ID},
			`"status":"SUCCEEDED"`},
		{"Deployment", contract.Deployment, contract.GetDeployment, ended, `"status":"SUCCEEDED"`},
		{"Redeploy", contract.Deployment, contract.CreateDeployment, contract.DeploymentRequest{UserID: p.UserID, ProjectID: p.ID},
			`"projectId":"` + p.ID},
		{"Rollback", contract.Deployment, contract.CreateDeployment,
			contract.DeploymentRequest{UserID: p.UserID, DeploymentID: deployment, Rollback: true}, `"rollbackTo":"` + deployment},
		{"ErrCancel", contract.Deployment, contract.CancelDeployment, ended, "the deployment has ended"},
		{"Delete", contract.Graph, contract.DeleteProject, mine, "null"},
		{"ErrGone", contract.Graph, contract.GetProject, mine, "no such project"},
		{"Deprovision", contract.Infrastructure, contract.Deprovision, contract.DeprovisionRequest{ProjectID: "p1"}, `{"removed":false}`},
		{"Provision", contract.Infrastructure, contract.Provision, page, `"url":"https://asked.apps.localhost`},
		{"CancelProvision", contract.Infrastructure, contract.CancelProvision,
			contract.CancelProvisionRequest{ProjectID: "p2", DeploymentID: "d2"}, "null"},
		{"Blueprints", contract.Codegen, contract.ListBlueprints, struct{}{}, `"name":"static-site"`},
		{"Blueprint", contract.Codegen, contract.GetBlueprint, contract.BlueprintRequest{Name: contract.DefaultTemplate}, `"name":"static-site"`},
		{"Keys", contract.Auth, contract.GetKeys, struct{}{}, `"keys":[{`},
		{"ErrTemplate", contract.Codegen, contract.GenerateCode, contract.GenerateCodeRequest{ProjectID: "p1", Template: "nope"}, `nope`},
		{"ErrSession", contract.Auth, contract.ValidateSession, contract.ValidateSessionRequest{Token: "nope"}, `"status":"error"`},
		{"ErrDigest", contract.Auth, contract.ValidateSessionDigest, contract.ValidateSessionDigestRequest{Digest: strings.Repeat("0", 64)},
			`"status":"error"`},
	}
}
