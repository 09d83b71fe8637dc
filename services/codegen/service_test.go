package codegen_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"axion/services/bus"
	"axion/services/codegen"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestService(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	h, err := codegen.New(t.Context(), hosttest.Options(t, cluster, t.TempDir()), os.DirFS("../../embed/blueprints"))
	s := hosttest.Start(t, h, err)
	client, err := bus.Open(t.Context(), bus.Options{Service: contract.Deployment, Brokers: cluster.ListenAddrs(), Timeout: hosttest.Deadline})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ask := func(in any) (reply contract.GenerateCodeReply, err error) {
		err = client.Request(t.Context(), bus.Call{
			Topic: contract.Topic(contract.Codegen), Service: contract.Codegen, Type: contract.GenerateCode, Key: "p", In: in, Out: &reply,
		})
		return reply, err
	}
	t.Run("OK", func(t *testing.T) {
		reply, err := ask(contract.GenerateCodeRequest{ProjectID: "p", Name: "Tea", Config: json.RawMessage(`{"title":"Green"}`)})
		if err != nil {
			t.Fatal(err)
		}
		index := ""
		for i, f := range reply.Files {
			if f.Path == "index.html" {
				index = f.Content
			}
			if i > 0 && reply.Files[i-1].Path >= f.Path {
				t.Errorf("files out of order: %s before %s", reply.Files[i-1].Path, f.Path)
			}
		}
		if reply.Template != contract.DefaultTemplate || !strings.Contains(index, "<h1>Green</h1>") {
			t.Errorf("template %q, index.html:\n%s", reply.Template, index)
		}
	})
	t.Run("OK/least", func(t *testing.T) {
		if reply, err := ask(map[string]string{"projectId": "p", "template": contract.NestJSTemplate}); err != nil ||
			reply.Template != contract.NestJSTemplate {
			t.Errorf("got %q, %v", reply.Template, err)
		}
	})
	for _, tt := range []struct{ name, in, want string }{
		{"ErrUnknownTemplate", `{"projectId":"p","template":"rails"}`, `unknown template "rails"; there are nestjs-service, static-site`},
		{"ErrConfig", `{"projectId":"p","config":{"accent":"red","title":4}}`, `config field "title": must be a string`},
		{"ErrConfigKind", `{"projectId":"p","config":[]}`, `config field "config": must be a JSON object`},
		{"ErrData", `[]`, "must be an object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ask(json.RawMessage(tt.in))
			var remote *bus.RemoteError
			if !errors.As(err, &remote) || !strings.Contains(remote.Message, tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("OK/templates", func(t *testing.T) {
		got := hosttest.Decode[struct{ Items []codegen.Template }](t, hosttest.Do(t, "GET", s.URL+"/api/templates", ""), 200).Items
		if len(got) != 2 || got[0].Name != contract.NestJSTemplate || got[0].Uses != 1 || got[1].Uses != 1 || got[1].LastAt == "" {
			t.Errorf("got %+v, want each used once", got)
		}
	})
}
