package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"axion/services/host/hosttest"
)

// list joins n items that format makes of their number.
func list(n int, format func(i int) string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = format(i)
	}
	return "[" + strings.Join(items, ",") + "]"
}

func node(i int) string { return fmt.Sprintf(`{"id":"n%d","type":"service"}`, i) }

// edge joins nodes by an id, e.
func edge(from, to, typ string) string {
	return fmt.Sprintf(`{"id":"e","from":%q,"to":%q,"type":%q}`, from, to, typ)
}

func TestGraphValidation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.create("alice", "Shop")
	nodes := `"nodes":[{"id":"in","type":"ingress"},{"id":"s","type":"service"},{"id":"l","type":"logic"},{"id":"db","type":"database"},` +
		`{"id":"c","type":"cache"},{"id":"q","type":"queue"}]`
	for name, tt := range map[string]struct {
		body    string
		place   string
		mention string // the node or the edge
	}{
		"NodeType":    {`{"nodes":[{"id":"a","type":"server"}],"edges":[]}`, "/nodes/0/type", `node "a"`},
		"NodeID":      {`{"nodes":[{"id":"a","type":"queue"},{"id":"a","type":"cache"}],"edges":[]}`, "/nodes/1/id", `node "a"`},
		"NodeIDEmpty": {`{"nodes":[{"id":"","type":"queue","name":"a"}],"edges":[]}`, "/nodes/0/id", `node ""`},
		"NodeIDLong":  {`{"nodes":[{"id":"` + strings.Repeat("a", 65) + `","type":"queue","name":"a"}],"edges":[]}`, "/nodes/0/id", `aaa`},
		"NodeIDBlank": {`{"nodes":[{"id":"a b","type":"queue","name":"a"}],"edges":[]}`, "/nodes/0/id", `node "a b"`},
		"Label":       {`{"nodes":[{"id":"a","type":"queue","name":"My Queue"}],"edges":[]}`, "/nodes/0/name", `node "a"`},
		"LabelHyphen": {`{"nodes":[{"id":"a","type":"queue","name":"a-"}],"edges":[]}`, "/nodes/0/name", `node "a"`},
		"LabelLong": {`{"nodes":[{"id":"a","type":"queue","name":"` + strings.Repeat("x", 64) + `"}],"edges":[]}`, "/nodes/0/name",
			`node "a"`},
		"LabelOfID": {`{"nodes":[{"id":"A","type":"queue"}],"edges":[]}`, "/nodes/0/id", `node "A"`},
		"NameTwice": {`{"nodes":[{"id":"a","type":"queue","name":"x"},{"id":"b","type":"cache","name":"x"}],"edges":[]}`, "/nodes/1/name",
			`node "b"`},
		"NameOfID":     {`{"nodes":[{"id":"x","type":"queue"},{"id":"b","type":"cache","name":"x"}],"edges":[]}`, "/nodes/1/name", `node "b"`},
		"Language":     {`{"nodes":[{"id":"a","type":"service","language":"cobol"}],"edges":[]}`, "/nodes/0/language", `node "a"`},
		"Port":         {`{"nodes":[{"id":"a","type":"service","port":65536}],"edges":[]}`, "/nodes/0/port", `node "a"`},
		"PortNegative": {`{"nodes":[{"id":"a","type":"service","port":-1}],"edges":[]}`, "/nodes/0/port", `node "a"`},
		"PortTwice": {`{"nodes":[{"id":"a","type":"service","port":80},{"id":"b","type":"service","port":80}],"edges":[]}`, "/nodes/1/port",
			`node "b"`},
		"Host": {`{"nodes":[{"id":"a","type":"ingress","host":"a b.test"}],"edges":[]}`, "/nodes/0/host", `node "a"`},
		"Config": {`{"nodes":[{"id":"a","type":"queue","config":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}],"edges":[]}`,
			"/nodes/0/config", `node "a"`},
		"EdgeType": {`{` + nodes + `,"edges":[` + edge("s", "l", "smtp") + `]}`, "/edges/0/type", `edge "e"`},
		"EdgeID":   {`{` + nodes + `,"edges":[` + edge("s", "l", "http") + `,` + edge("l", "s", "http") + `]}`, "/edges/1/id", `edge "e"`},
		"EdgeFrom": {`{` + nodes + `,"edges":[` + edge("x", "s", "http") + `]}`, "/edges/0/from", `edge "e"`},
		"EdgeTo":   {`{` + nodes + `,"edges":[` + edge("s", "x", "http") + `]}`, "/edges/0/to", `edge "e"`},
		"Loop":     {`{` + nodes + `,"edges":[` + edge("s", "s", "http") + `]}`, "/edges/0/to", `edge "e"`},
		"Nodes":    {`{"nodes":` + list(201, node) + `,"edges":[]}`, "/nodes", "200"},
		"Edges": {`{` + nodes + `,"edges":` + list(1001, func(i int) string {
			return fmt.Sprintf(`{"id":"e%d","from":"s","to":"l","type":"http"}`, i)
		}) + `}`, "/edges", "1000"},
		"Size":      {`{"nodes":[{"id":"a","type":"queue","config":"` + strings.Repeat("<", 100<<10) + `"}],"edges":[]}`, "", "262144"},
		"WrongType": {`{"nodes":[{"id":"a","type":5}],"edges":[]}`, "/nodes/0/type", "string"},
		"Missing":   {`{"nodes":[{"id":"a"}],"edges":[]}`, "/nodes/0", "type"},
		"Unknown":   {`{"nodes":[],"edges":[],"groups":[]}`, "/groups", ""},
	} {
		t.Run(name, func(t *testing.T) {
			reply := r.put("alice", p.ID, `"0"`, tt.body)
			problem := hosttest.WantProblem(t, reply, 422, tt.place)
			if len(problem.Errors) != 1 || !strings.Contains(problem.Errors[0].Detail, tt.mention) {
				t.Errorf("got %s, want one mention of %s", reply.Body, tt.mention)
			}
		})
	}
	t.Run("Fits", func(t *testing.T) { testFits(t, r, p.ID, nodes) })
	t.Run("Many", func(t *testing.T) {
		body := `{"nodes":[],"edges":` + list(1000, func(i int) string { return fmt.Sprintf(`{"id":"e%d","from":"a","to":"b","type":"c"}`, i) }) +
			`}`
		if got := len(hosttest.Decode[struct{ Errors []any }](t, r.put("alice", p.ID, `"0"`, body), 422).Errors); got != 50 {
			t.Errorf("got %d errors, want the first 50", got)
		}
	})
	t.Run("TooLarge", func(t *testing.T) {
		hosttest.WantProblem(t, r.put("alice", p.ID, `"0"`, `{"nodes":[],"edges":[]`+strings.Repeat(" ", 256<<10)+`}`), 413)
	})
	t.Run("OK/largest", func(t *testing.T) {
		match := r.do("alice", "GET", projects+"/"+p.ID+"/graph", "").Header.Get("ETag")
		edges := list(1000, func(i int) string {
			return fmt.Sprintf(`{"id":"e%d","from":"n%d","to":"n%d","type":"http"}`, i, i%200, (i+1)%200)
		})
		if got := r.put("alice", p.ID, match, `{"nodes":`+list(200, node)+`,"edges":`+edges+`}`); got.Status != 200 {
			t.Errorf("got %d %.300s", got.Status, got.Body)
		}
	})
}

// testFits tries each type of edge between all pairs of nodes.
func testFits(t *testing.T, r *rig, id, nodes string) {
	ids := []string{"in", "s", "l", "db", "c", "q"}
	allowed := map[string]string{
		"http": "in-s in-l s-l l-s", "grpc": "in-s in-l s-l l-s", "database": "s-db s-c l-db l-c", "kafka": "s-q l-q q-s q-l",
	}
	for typ, pairs := range allowed {
		var good, bad []string
		for _, from := range ids {
			for _, to := range ids {
				if from == to {
					continue
				}
				e := strings.Replace(edge(from, to, typ), `"e"`, `"`+from+"-"+to+`"`, 1)
				if strings.Contains(" "+pairs+" ", " "+from+"-"+to+" ") {
					good = append(good, e)
				} else {
					bad = append(bad, e)
				}
			}
		}
		match := r.do("alice", "GET", projects+"/"+id+"/graph", "").Header.Get("ETag")
		refused := hosttest.Decode[struct {
			Errors []struct{ Pointer, Detail string }
		}](t,
			r.put("alice", id, match, `{`+nodes+`,"edges":[`+strings.Join(bad, ",")+`]}`), 422).Errors
		if len(refused) != len(bad) {
			t.Errorf("%s: %d of %d wrong edges refused", typ, len(refused), len(bad))
		}
		for i, e := range refused {
			if e.Pointer != fmt.Sprintf("/edges/%d/type", i) || !strings.Contains(e.Detail, typ+" edge") {
				t.Errorf("%s: got %+v", typ, e)
			}
		}
		hosttest.Decode[any](t, r.put("alice", id, match, `{`+nodes+`,"edges":[`+strings.Join(good, ",")+`]}`), 200)
	}
}
