package codegen

import (
	"fmt"
	"testing"

	"axion/services/contract"
)

// dense is a graph of as many nodes and edges as there may be, in which each edge that
// is no circle joins parts that wait for all others.
func dense() *contract.Architecture {
	g := &contract.Architecture{}
	for i := range maxNodes {
		g.Nodes = append(g.Nodes, contract.Node{ID: fmt.Sprint("n", i), Type: contract.NodeService})
	}
	for step := 1; len(g.Edges) < maxEdges; step++ {
		for i := range maxNodes {
			from, to := i, (i+step)%maxNodes // in circles
			g.Edges = append(g.Edges, contract.Edge{ID: fmt.Sprint("e", step, "-", i), Type: contract.EdgeHTTP, From: fmt.Sprint("n", from),
				To: fmt.Sprint("n", to)})
		}
	}
	return g
}

// TestDense: nobody waits for himself, and nothing else is left out.
func TestDense(t *testing.T) {
	t.Parallel()
	p, err := newLayout("shop", dense())
	if err != nil {
		t.Fatal(err)
	}
	needs := 0
	state := map[*component]int{} // 1: below, 2: done
	var follow func(a *component)
	follow = func(a *component) {
		if state[a] == 1 {
			t.Fatalf("%s waits for itself", a.name)
		}
		if state[a] == 2 {
			return
		}
		state[a] = 1
		for _, b := range a.startsAfter {
			if !a.allBefore.has(b) {
				t.Errorf("%s needs %s, and does not wait for it", a.name, b.name)
			}
			follow(b)
		}
		state[a] = 2
	}
	for _, a := range p.components {
		needs += len(a.startsAfter)
		follow(a)
	}
	// Of five circles each way from i to i+step, those around the end are left out.
	if want := 5*maxNodes - (1 + 2 + 3 + 4 + 5); needs != want {
		t.Errorf("needs: got %d, want %d", needs, want)
	}
}

func BenchmarkDense(b *testing.B) {
	g := dense()
	for b.Loop() {
		if _, err := newLayout("shop", g); err != nil {
			b.Fatal(err)
		}
	}
}
