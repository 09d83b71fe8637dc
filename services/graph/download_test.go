package graph_test

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

func TestCode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.create("alice", "Tea Shop")
	path := projects + "/" + p.ID + "/code"
	var asked contract.GenerateCodeRequest
	generate := func(files []contract.File, err error) (stop func()) {
		return hosttest.Answer(t, r.cluster, contract.Codegen, map[string]bus.Handler{
			contract.GenerateCode: func(_ context.Context, m *bus.Message) (any, error) {
				asked = contract.GenerateCodeRequest{}
				if err := m.Decode(&asked); err != nil {
					return nil, err
				}
				return contract.GenerateCodeReply{Template: asked.Template, Files: files}, err
			},
		})
	}
	t.Run("OK", func(t *testing.T) {
		defer generate([]contract.File{{Path: "src/main.ts", Content: "b"}, {Path: "README.md", Content: "ä"}}, nil)()
		reply := r.do("alice", "GET", path, "")
		if reply.Status != 200 || reply.Header.Get("Content-Type") != "application/zip" ||
			reply.Header.Get("Content-Disposition") != `attachment; filename="tea-shop.zip"` {
			t.Fatalf("got %d %v", reply.Status, reply.Header)
		}
		if asked.ProjectID != p.ID || asked.Slug != "tea-shop" || asked.Template != p.Template || string(asked.Config) != "{}" ||
			asked.Graph != nil {
			t.Errorf("asked for %+v", asked)
		}
		archive, err := zip.NewReader(strings.NewReader(reply.Body), int64(len(reply.Body)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range archive.File {
			rc, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(rc)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, f.Name+"="+string(text))
		}
		if want := "README.md=ä src/main.ts=b"; strings.Join(got, " ") != want {
			t.Errorf("got %q, want %s", got, want)
		}
		if again := r.do("alice", "GET", path, ""); again.Body != reply.Body {
			t.Error("the same files made another archive")
		}
	})
	t.Run("OK/graph", func(t *testing.T) {
		defer generate(nil, nil)()
		r.put("alice", p.ID, `*`, small)
		if reply := r.do("alice", "GET", path, ""); reply.Status != 200 {
			t.Errorf("got %d", reply.Status)
		}
		if got, err := json.Marshal(asked.Graph); err != nil || string(got) != small {
			t.Errorf("asked with graph %s (%v)", got, err)
		}
	})
	t.Run("ErrPath", func(t *testing.T) {
		for _, bad := range []string{"../x", "/etc/x", "a//b", "", ".", `a\b`} {
			stop := generate([]contract.File{{Path: bad}}, nil)
			hosttest.WantProblem(t, r.do("alice", "GET", path, ""), 502)
			stop()
		}
	})
	t.Run("ErrRefused", func(t *testing.T) {
		defer generate(nil, bus.Permanent(errors.New("unknown template")))()
		if got := hosttest.WantProblem(t, r.do("alice", "GET", path, ""), 502); !strings.Contains(got.Detail, "unknown template") {
			t.Errorf("got %q", got.Detail)
		}
	})
	t.Run("ErrOwner", func(t *testing.T) {
		hosttest.WantProblem(t, r.do("bob", "GET", path, ""), 404)
		hosttest.WantProblem(t, r.do("", "GET", path, ""), 401)
	})
	t.Run("ErrNobody", func(t *testing.T) {
		if got := hosttest.WantProblem(t, r.do("alice", "GET", path, ""), 502); !strings.Contains(got.Detail, contract.Codegen) {
			t.Errorf("got %q, want who does not answer", got.Detail)
		}
	})
}
