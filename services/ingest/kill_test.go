package ingest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/host"
	"axion/services/host/hosttest"
)

// victimEnv makes the test binary an instance of the service, which TestKill kills.
const victimEnv = "INGEST_TEST_VICTIM"

// victimSettings are where an instance finds the others.
type victimSettings struct {
	Brokers       []string
	Dir, Database string
}

// victim serves until its standard input ends. It says where on its standard output.
func victim(settings string) {
	var v victimSettings
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = json.Unmarshal([]byte(settings), &v)
	}
	var h *host.Host
	if err == nil {
		h, err = New(context.Background(), host.Options{
			Listener: l, Dir: v.Dir, Database: v.Database, Brokers: v.Brokers, Shared: true, Version: "test",
			Issuer: "https://auth.localhost", Tracer: noop.NewTracerProvider(), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		})
	}
	if err == nil {
		err = h.Start(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("http://" + h.Addr().String())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// fleet is instances in processes of their own.
type fleet struct {
	t        *testing.T
	settings string
	urls     []atomic.Pointer[string]
	kills    []chan struct{}
	group    sync.WaitGroup
}

// launch starts n instances. Each is started again when it has been killed, until the
// test ends.
func launch(t *testing.T, cluster *clustertest.Broker, dir string, n int) *fleet {
	t.Helper()
	o := hosttest.Options(t, cluster, dir)
	_ = o.Listener.Close()
	settings, err := json.Marshal(victimSettings{cluster.ListenAddrs(), dir, o.Database})
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, settings: string(settings), urls: make([]atomic.Pointer[string], n), kills: make([]chan struct{}, n)}
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended); f.group.Wait() })
	for i := range n {
		f.kills[i] = make(chan struct{})
		up := make(chan struct{})
		f.group.Go(func() { f.run(i, up, ended) })
		<-up
	}
	return f
}

func (f *fleet) run(i int, up chan struct{}, ended chan struct{}) {
	for {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env, cmd.Stderr = append(os.Environ(), victimEnv+"="+f.settings), f.t.Output()
		stdin, err := cmd.StdinPipe()
		if err != nil {
			f.t.Error(err)
			return
		}
		stdout, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			f.t.Error(err)
			return
		}
		line, err := bufio.NewReader(stdout).ReadString('\n')
		if err != nil {
			f.t.Errorf("instance %d: %v", i, err)
		}
		url := strings.TrimSpace(line)
		f.urls[i].Store(&url)
		if up != nil {
			close(up)
			up = nil
		}
		last := false
		select {
		case <-f.kills[i]:
		case <-ended:
			last = true
		}
		_ = cmd.Process.Kill()
		_ = stdin.Close()
		_ = cmd.Wait()
		if last {
			return
		}
	}
}

// insist sends a request to any of the instances until one takes it, as clients do.
func (f *fleet) insist(client *http.Client, path, body string, headers ...string) string {
	for deadline := time.Now().Add(2 * hosttest.Deadline); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		req, err := http.NewRequest(http.MethodPost, *f.urls[rand.IntN(len(f.urls))].Load()+path, strings.NewReader(body))
		if err != nil {
			break
		}
		for _, line := range headers {
			name, value, _ := strings.Cut(line, ": ")
			req.Header.Set(name, value)
		}
		res, err := client.Do(req)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		switch {
		case err == nil && (res.StatusCode == http.StatusAccepted || res.StatusCode == http.StatusOK):
			return string(text)
		case err == nil && res.StatusCode != http.StatusServiceUnavailable && res.StatusCode != http.StatusConflict &&
			res.StatusCode != http.StatusMultiStatus:
			f.t.Errorf("%s: got %d %s", body, res.StatusCode, text)
			return ""
		}
	}
	f.t.Errorf("%s: not taken", body)
	return ""
}

// TestKill kills instances at random while clients send events, batches and records,
// each to several of them at once and until it is taken: each is published once.
func TestKill(t *testing.T) {
	t.Parallel()
	clustertest.Slow(t)
	cluster := hosttest.Cluster(t)
	f := launch(t, cluster, t.TempDir(), 3)
	const senders, each = 6, 40
	transport := &http.Transport{MaxIdleConnsPerHost: senders}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	defer transport.CloseIdleConnections()

	var sending sync.WaitGroup
	var answers sync.Map // by what was sent
	for sender := range senders {
		// Twice: two clients, or one that got no answer.
		for range 2 {
			sending.Go(func() {
				for n := range each {
					id := fmt.Sprintf("%d-%d", sender, n)
					var answer string
					switch n % 4 {
					case 0, 1:
						answer = f.insist(client, "/api/events", object(id, ""), structuredType)
					case 2:
						answer = f.insist(client, "/api/events", "["+object(id+"a", "")+","+object(id+"b", "")+"]", batchType, "Idempotency-Key: "+id)
					case 3:
						answer = f.insist(client, onTopic, `{"records":[{"value":"`+id+`a"},{"value":"`+id+`b"}]}`, media(restJSON), "Idempotency-Key: "+id)
					}
					if before, loaded := answers.LoadOrStore(id, answer); loaded && before != answer {
						t.Errorf("%s: got %s after %s", id, answer, before)
					}
				}
			})
		}
	}
	done := make(chan struct{})
	go func() { sending.Wait(); close(done) }()
	kills := 0
	for sent := false; !sent; {
		select {
		case f.kills[rand.IntN(len(f.kills))] <- struct{}{}:
			kills++
		case <-done:
			sent = true
		}
		select {
		case <-time.After(time.Duration(50+rand.IntN(250)) * time.Millisecond):
		case <-done:
		}
	}
	const want = senders * each / 4 * 6
	kafka, times := hosttest.Dial(t, cluster, contract.EventsTopic), map[string]int{}
	for range kafka.Count(contract.EventsTopic) {
		r := kafka.Next()
		h := hosttest.Headers(r)
		times[h["ce_id"]+h[headerKey]]++
	}
	for id, n := range times {
		if n > 1 {
			t.Errorf("%s was published %d times", id, n)
		}
	}
	if len(times) != want {
		t.Errorf("published: got %d, want %d", len(times), want)
	}
	t.Logf("%d kills, %d published", kills, len(times))
}
