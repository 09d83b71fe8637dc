package codegen_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"axion/embed"
	"axion/services/codegen"
	"axion/services/contract"
)

func TestRun(t *testing.T) {
	t.Parallel()
	g, err := codegen.NewGenerator(embed.Blueprints())
	if err != nil {
		t.Fatal(err)
	}
	nest := contract.Run{
		Runtime: "process", Health: "/health", Command: []string{"node", "dist/main.js"},
		Build: [][]string{{"npm", "install", "--no-audit", "--no-fund"}, {"npm", "run", "build"}},
	}
	below := nest
	below.Directory = "services/web"
	goRun := contract.Run{
		Runtime: "process", Health: "/health", Command: []string{"./service"}, Build: [][]string{{"go", "build", "-o", "service", "."}},
		Directory: "services/shop",
	}
	graph := &contract.Architecture{
		Nodes: []contract.Node{{ID: "shop", Type: contract.NodeService, Language: "go"}, {ID: "web", Type: contract.NodeService},
			{ID: "in", Type: contract.NodeIngress}},
	}
	routed := &contract.Architecture{Nodes: graph.Nodes, Edges: []contract.Edge{{ID: "e", From: "in", To: "web", Type: contract.EdgeHTTP}}}
	data := &contract.Architecture{Nodes: []contract.Node{{ID: "db", Type: contract.NodeDatabase}}}
	for name, tt := range map[string]struct {
		template, config string
		graph            *contract.Architecture
		want             contract.Run
		err              string
	}{
		"OK/none":     {"nestjs-service", `{"title":"x"}`, nil, contract.Run{}, ""},
		"OK/null":     {"nestjs-service", `{"runtime":null}`, nil, contract.Run{}, ""},
		"OK/static":   {"nestjs-service", `{"runtime":"static"}`, graph, contract.Run{}, ""},
		"OK/nest":     {"nestjs-service", `{"runtime":"process"}`, nil, nest, ""},
		"OK/first":    {"static-site", `{"runtime":"process"}`, graph, goRun, ""},
		"OK/ingress":  {"static-site", `{"runtime":"process"}`, routed, below, ""},
		"OK/dataOnly": {"nestjs-service", `{"runtime":"process"}`, data, nest, ""},
		"ErrUnknown":  {"nestjs-service", `{"runtime":"vm"}`, nil, contract.Run{}, `config field "runtime": must be static or process`},
		"ErrType":     {"nestjs-service", `{"runtime":7}`, nil, contract.Run{}, `config field "runtime": must be a string`},
		"ErrNothing": {"static-site", `{"runtime":"process"}`, nil, contract.Run{},
			"there is nothing to run: template static-site has no service"},
		"ErrNothingData": {"static-site", `{"runtime":"process"}`, data, contract.Run{}, "nor has the graph"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply, err := g.Generate(contract.GenerateCodeRequest{ProjectID: "p", Template: tt.template, Config: []byte(tt.config), Graph: tt.graph})
			var wrong *codegen.ConfigError
			switch {
			case tt.err != "":
				if !errors.As(err, &wrong) || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
			case err != nil:
				t.Error(err)
			case !reflect.DeepEqual(reply.Run, tt.want):
				t.Errorf("got %+v, want %+v", reply.Run, tt.want)
			}
		})
	}
}
