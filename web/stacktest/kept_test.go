package stacktest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
	"axion/web/stacktest"
)

// keep makes the data directory of a version: go test ./web/stacktest -run MakeKept
// -keep testdata/kept-VERSION.tar.gz, with the program of that version.
var keep = flag.String("keep", "", "write the data directory of this version into this `file`")

// kept is what a data directory holds, as its own file "kept.json" says.
type kept struct {
	Projects           []stacktest.Project // of the development user
	Other              stacktest.Project   // of another one
	Email, Password    string
	Topic, Group       string
	Records, Committed int64
	Schema             string // a type of events
}

const keptName = "kept.json"

// TestMakeKept makes such a directory: projects, one of them with a graph and deployed
// twice, a second user, a topic with records and commits, a schema, a receipt.
func TestMakeKept(t *testing.T) {
	if *keep == "" {
		t.Skip("makes the data directory of this version where -keep names a file for it")
	}
	dir := t.TempDir()
	s := stacktest.Launch(t, binary, "--data", dir)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	k := kept{Email: "second@example.test", Password: "a password of the second user", Topic: "kept", Group: "keepers", Records: 30,
		Schema: "reading"}
	for _, name := range []string{"Tea room", "Weather station"} {
		k.Projects = append(k.Projects, s.Create(t, "", name, ""))
	}
	k.Projects = append(k.Projects, architected(t, s))
	for _, p := range k.Projects {
		ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	}
	again := k.Projects[2].ID
	s.Do(t, http.MethodPost, s.URL(contract.GraphHost, "/api/projects/"+again+"/deployments"), s.Token, map[string]any{}).Decode(t,
		http.StatusAccepted, nil)
	ws.ReadUntil(t, again, contract.DeploymentSucceeded)
	k.Other = s.Create(t, k.sign(t, s, "up"), "Bicycle shop", "")
	stacktest.Eventually(t, "the second user's site", func() bool {
		return s.Get(t, s.URL(k.Other.Slug+"."+contract.AppsDomain, "/")).Status == http.StatusOK
	})
	k.produce(t, s)
	k.put(t, s)
	if a := k.send(t, s, `{"celsius":20}`); a.Status != http.StatusAccepted {
		t.Fatalf("event: got %d: %s", a.Status, a.Body)
	}
	s.Stop(t)
	text, err := json.MarshalIndent(k, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, keptName), text, 0o600)
	}
	if err == nil {
		err = pack(dir, *keep)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestKept starts on the data directories that earlier versions have made, and finds
// all that is in them.
func TestKept(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/kept-*.tar.gz")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no directories of earlier versions: %v", err)
	}
	for _, archive := range archives {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := unpack(archive, dir); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, keptName))
			if err != nil {
				t.Fatal(err)
			}
			var k kept
			if err := json.Unmarshal(text, &k); err != nil {
				t.Fatal(err)
			}
			for n, kill := range []bool{false, true, false} { // once more after each kind of end
				s := stacktest.Launch(t, binary, "--data", dir)
				if n == 0 { // that version's schemas were everybody's
					stacktest.Eventually(t, "a warning of schemas without owners", func() bool {
						return strings.Contains(s.Stderr.String(), "schemas of an earlier version have no owner")
					})
					k.put(t, s)
				}
				k.see(t, s)
				if kill {
					s.Kill(t)
				} else {
					s.Stop(t)
				}
			}
			s := stacktest.Launch(t, binary, "--data", dir)
			if out, err := exec.Command(binary, "--data", dir, "rebuild", contract.Graph).CombinedOutput(); err != nil {
				t.Errorf("rebuild: %v: %s", err, out)
			}
			k.see(t, s)
			p := s.Create(t, "", "New", "")
			s.WebSocket(t, "/ws?token="+s.Token+"&after=2000-01-01T00:00:00Z").ReadUntil(t, p.ID, contract.DeploymentSucceeded)
		})
	}
}

// see looks for all that is kept.
func (k *kept) see(t *testing.T, s *stacktest.Process) {
	t.Helper()
	for _, p := range k.Projects {
		k.seeProject(t, s, s.Token, p)
	}
	k.seeProject(t, s, k.sign(t, s, "in"), k.Other)
	var graph contract.Architecture
	var deployments struct {
		Items []struct{ Status, URL string }
	}
	last := s.URL(contract.GraphHost, "/api/projects/"+k.Projects[2].ID)
	s.Do(t, http.MethodGet, last+"/graph", s.Token, nil).Decode(t, http.StatusOK, &graph)
	s.Do(t, http.MethodGet, last+"/deployments", s.Token, nil).Decode(t, http.StatusOK, &deployments)
	if len(graph.Nodes) != 6 || len(deployments.Items) != 2 {
		t.Errorf("got %d nodes and %v, want 6 nodes and 2 deployments", len(graph.Nodes), deployments.Items)
	}
	admin := kadm.NewClient(s.Kafka(t))
	ends, err := admin.ListEndOffsets(t.Context(), k.Topic)
	if err != nil {
		t.Fatal(err)
	}
	var records int64
	ends.Each(func(o kadm.ListedOffset) { records += o.Offset })
	commits, err := admin.FetchOffsets(t.Context(), k.Group)
	if err != nil {
		t.Fatal(err)
	}
	var committed int64
	commits.Each(func(o kadm.OffsetResponse) { committed += o.At })
	if records != k.Records || committed != k.Committed {
		t.Errorf("got %d records and %d committed, want %d and %d", records, committed, k.Records, k.Committed)
	}
	if a := k.send(t, s, `{}`); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("an event that does not fit the schema: got %d: %s", a.Status, a.Body)
	}
}

func (k *kept) seeProject(t *testing.T, s *stacktest.Process, token string, want stacktest.Project) {
	t.Helper()
	var got stacktest.Project
	address := s.URL(contract.GraphHost, "/api/projects/"+want.ID)
	s.Do(t, http.MethodGet, address, token, nil).Decode(t, http.StatusOK, &got)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("project: got %+v, want %+v", got, want)
	}
	var deployments struct{ Items []struct{ Status string } }
	s.Do(t, http.MethodGet, address+"/deployments", token, nil).Decode(t, http.StatusOK, &deployments)
	if len(deployments.Items) == 0 || deployments.Items[0].Status != contract.StatusSucceeded {
		t.Errorf("deployments of %s: got %v", want.Name, deployments)
	}
	if page := s.Get(t, s.URL(want.Slug+"."+contract.AppsDomain, "/")); page.Status != http.StatusOK {
		t.Errorf("site %s: got %d", want.Slug, page.Status)
	}
}

// sign signs the second user "up" or "in", and gives a token.
func (k *kept) sign(t *testing.T, s *stacktest.Process, where string) string {
	t.Helper()
	var session struct{ Token string }
	s.Do(t, http.MethodPost, s.URL(contract.AuthHost, "/api/auth/sign-"+where+"/email"), "",
		map[string]string{"email": k.Email, "password": k.Password, "name": "Second"}).Decode(t, http.StatusOK, &session)
	return session.Token
}

// produce fills the topic, and commits a part of it.
func (k *kept) produce(t *testing.T, s *stacktest.Process) {
	t.Helper()
	client := s.Kafka(t, kgo.AllowAutoTopicCreation())
	offsets := kadm.Offsets{}
	for n := range k.Records {
		r := &kgo.Record{Topic: k.Topic, Key: fmt.Append(nil, n), Value: fmt.Append(nil, "record ", n)}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		offsets.AddOffset(k.Topic, r.Partition, r.Offset, -1)
	}
	if err := kadm.NewClient(client).CommitAllOffsets(t.Context(), k.Group, offsets); err != nil {
		t.Fatal(err)
	}
	offsets.Each(func(o kadm.Offset) { k.Committed += o.At })
}

// put gives the type its schema.
func (k *kept) put(t *testing.T, s *stacktest.Process) {
	t.Helper()
	s.Do(t, http.MethodPut, s.URL("events.localhost", "/api/schemas/"+k.Schema), s.Token,
		map[string]any{"type": "object", "required": []string{"celsius"}}).Decode(t, http.StatusOK, nil)
}

// send sends an event of the schema's type.
func (k *kept) send(t *testing.T, s *stacktest.Process, data string) stacktest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL("events.localhost", "/api/events"),
		strings.NewReader(`{"specversion":"1.0","id":"kept","source":"/kept","type":"`+k.Schema+`","data":`+data+`}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	req.Header.Set("Authorization", "Bearer "+s.Token)
	res, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return stacktest.Answer{Status: res.StatusCode, Body: body}
}

// pack writes the files of a folder into an archive.
func pack(dir, archive string) error {
	var text bytes.Buffer
	zipped := gzip.NewWriter(&text)
	files := tar.NewWriter(zipped)
	if err := errors.Join(files.AddFS(os.DirFS(dir)), files.Close(), zipped.Close()); err != nil {
		return err
	}
	return os.WriteFile(archive, text.Bytes(), 0o644)
}

func unpack(archive, dir string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	for files := tar.NewReader(zipped); ; {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.Join(dir, filepath.FromSlash(head.Name))
		if head.FileInfo().IsDir() {
			err = os.MkdirAll(name, 0o700)
		} else {
			var text []byte
			if text, err = io.ReadAll(files); err == nil {
				err = errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, text, head.FileInfo().Mode()&fs.ModePerm))
			}
		}
		if err != nil {
			return err
		}
	}
}
