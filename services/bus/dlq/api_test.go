package dlq_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"axion/services/bus/dlq"
)

// TestAPI lists, replays and drops as a page does.
func TestAPI(t *testing.T) {
	t.Parallel()
	s := start(t)
	mux := http.NewServeMux()
	(&dlq.API{Open: s.open}).Register(humago.New(mux, huma.DefaultConfig("test", "0")))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	call := func(method, path, body string, status int) (answer struct {
		Items []dlq.DeadLetter
		Done  int
	}) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/api/dead-letters"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != status {
			t.Fatalf("%s %s: got %d %s, %v; want %d", method, path, res.StatusCode, text, err, status)
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	s.send("a", "b", "c")
	first := s.letters(3)[0]
	if list := call("GET", "?service=graph-service", "", 200); len(list.Items) != 3 || list.Items[0].Error != "not\nnow" ||
		list.Items[0].Position() != first.Position() {
		t.Errorf("got %+v", list)
	}
	if all := call("GET", "", "", 200); len(all.Items) != 3 {
		t.Errorf("of all services: got %+v", all)
	}
	s.refusing.Store(false)
	if got := call("POST", "/graph-service/replay", `{"places":["`+first.Position()+`"]}`, 200); got.Done != 1 || got.Items[0].ID != first.ID {
		t.Errorf("got %+v", got)
	}
	s.expect(first.ID)
	if got := call("POST", "/graph-service/drop", `{"all":true}`, 200); got.Done != 2 {
		t.Errorf("got %+v", got)
	}
	s.letters(0)
	for path, body := range map[string]string{"/graph-service/drop": `{"places":["0:9"]}`, "/graph-service/replay": `{}`,
		"/other/replay": `{"all":true}`} {
		call("POST", path, body, 422)
	}
	call("GET", "?service=other", "", 422)
}
