package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/gateway/config"
)

var schemes = []string{"http", "https"}

// TestScenarioStale are kept connections that the server has closed, in each way and
// for each kind of request.
func TestScenarioStale(t *testing.T) {
	t.Parallel()
	requests := map[string]string{
		"GET":    getOne,
		"DELETE": strings.Replace(getOne, "GET", "DELETE", 1),
		"PUT":    "PUT / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 4\r\n\r\nbody",
		"POST":   begin + "Content-Length: 0\r\n\r\n",
		"Small":  begin + "Content-Length: 4\r\n\r\nbody",
		"Large":  begin + "Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000),
	}
	for _, scheme := range schemes {
		for name, request := range requests {
			// The close has come before the next request.
			t.Run("Closed/"+scheme+"/"+name, func(t *testing.T) {
				t.Parallel()
				closed, all := make(chan struct{}), &dialled{}
				address := scripted(t, scheme, scenario{dialled: all, server: func(c net.Conn, r *bufio.Reader) {
					if readAll(r) {
						_, _ = io.WriteString(c, plainOK)
						_ = c.Close()
						closed <- struct{}{}
					}
				}})
				for range 4 {
					answered(t, address, request)
					<-closed
					if scheme == "https" { // the other client looks when it is asked
						all.untilClosed(t)
					}
				}
			})
			if name == "POST" || name == "Small" || name == "Large" {
				continue
			}
			// It comes once the request has been sent.
			t.Run("Closing/"+scheme+"/"+name, func(t *testing.T) {
				t.Parallel()
				address := scripted(t, scheme, scenario{server: func(c net.Conn, r *bufio.Reader) {
					if readAll(r) {
						_, _ = io.WriteString(c, plainOK)
						_ = readAll(r)
					}
				}})
				for range 6 {
					answered(t, address, request)
				}
			})
		}
	}
}

func answered(t *testing.T, address, request string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, request)
	if got := transcript(bufio.NewReader(c), false); got != "200 ok" {
		t.Errorf("got %q, want 200", got)
	}
}

// TestScenarioLeft has clients leave at each stage: the server notices soon.
func TestScenarioLeft(t *testing.T) {
	t.Parallel()
	stages := map[string]struct {
		request string
		answer  string        // what the server says at first
		every   time.Duration // how often a byte follows, if it does
		await   string        // what the client waits for before it leaves
	}{
		"BeforeHead":   {request: getOne},
		"InHead":       {request: getOne, answer: "HTTP/1.1 200 OK\r\nX-"},
		"AfterHint":    {request: getOne, answer: "HTTP/1.1 103 Early Hints\r\n\r\n", await: "103"},
		"InBody":       {request: getOne, answer: "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx", await: "200"},
		"InFlushPause": {request: getOne, answer: "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nx"}, // it leaves before the flush
		"InFlushPauses": {request: getOne, answer: "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx", every: 10 * time.Millisecond,
			await: "200"},
		"InStream":      {request: getOne, answer: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", await: "200"},
		"InChunks":      {request: getOne, answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", await: "200"},
		"InUpload":      {request: begin + "Content-Length: 100000\r\n\r\nx"},
		"InChunkUpload": {request: begin + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"},
		"InExpectation": {request: begin + "Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n"},
		"BothWays": {request: begin + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
			answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", await: "200"},
		"InTunnel": {request: "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
			answer: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", await: "101"},
	}
	for _, scheme := range schemes {
		for name, stage := range stages {
			t.Run(name+"/"+scheme, func(t *testing.T) {
				t.Parallel()
				const clients = 4
				come, gone := make(chan struct{}, clients), make(chan struct{}, clients)
				address := scripted(t, scheme, scenario{server: func(c net.Conn, r *bufio.Reader) {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					_, _ = io.WriteString(c, stage.answer)
					come <- struct{}{}
					ended := make(chan struct{})
					go func() {
						defer close(ended)
						_, _ = io.Copy(io.Discard, r)
					}()
					for stage.every > 0 {
						if _, err := io.WriteString(c, "x"); err != nil {
							break
						}
						select {
						case <-time.After(stage.every):
							continue
						case <-ended:
						}
						break
					}
					<-ended
					gone <- struct{}{}
				}})
				for range clients {
					c, err := net.Dial("tcp", address)
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					_ = c.SetDeadline(time.Now().Add(patience))
					_, _ = io.WriteString(c, stage.request)
					<-come
					if stage.await != "" {
						if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, stage.await) {
							t.Errorf("got %q, %v, want %s", line, err, stage.await)
						}
					}
					_ = c.Close()
				}
				for range clients {
					select {
					case <-gone:
					case <-time.After(patience / 2):
						t.Fatal("the server still has the connection of a client that has left")
					}
				}
			})
		}
	}
}

// TestScenarioUpgrade are requests to change the protocol.
func TestScenarioUpgrade(t *testing.T) {
	t.Parallel()
	ask := func(headers string) string { return "GET / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" }
	upgrade := ask("Connection: keep-alive, Upgrade\r\nUpgrade: echo\r\n")
	agree := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: Echo\r\nX-A: 1\r\n\r\n"
	// offers answers an offer by agree, and says so where there was none.
	offers := func(c net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if req.Header.Get("Upgrade") == "" && req.Header.Get("Http2-Settings") == "" {
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(c, plainOK)
			return
		}
		_, _ = io.WriteString(c, agree+"hello ")
		_, _ = io.Copy(c, r)
		_, _ = io.WriteString(c, " bye")
	}
	// talk says something, twice, before it ends its side.
	talk := func(pause time.Duration) func(*testing.T, net.Conn) string {
		return func(_ *testing.T, c net.Conn) string {
			_, _ = io.WriteString(c, upgrade+"early ")
			r := bufio.NewReader(c)
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				return err.Error()
			}
			<-time.After(pause)
			_, _ = io.WriteString(c, "late")
			_ = c.(*net.TCPConn).CloseWrite()
			rest, err := io.ReadAll(r)
			return fmt.Sprintf("%d%s %s %v", res.StatusCode, marks(res.Header), rest, err)
		}
	}
	sticky := func(lb *config.LoadBalancer) { lb.Sticky = &config.Sticky{Cookie: &config.Cookie{Name: "at"}} }
	refused := "the server's answer is malformed: it switches to a protocol that nobody asked for"
	both(t, map[string]scenario{
		"Talk":  {server: offers, client: talk(0), times: 2, want: "101[X-A=1] hello early late bye <nil>"},
		"Keeps": {server: offers, client: talk(0), edit: sticky, want: "101[Set-Cookie X-A=1] hello early late bye <nil>"},
		"LateTalk": {server: offers, client: talk(150 * time.Millisecond), header: 50 * time.Millisecond,
			want: "101[X-A=1] hello early late bye <nil>"},
		"Refused": {server: answersHead("HTTP/1.1 426 Upgrade Required\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n"), request: upgrade,
			want: "426[X-A=1]"},
		"ErrOther": {server: answersHead(strings.Replace(agree, "Echo", "other", 1)), request: upgrade, want: "502 " + refused},
		"ErrNone":  {server: answersHead(strings.Replace(agree, "Upgrade: Echo\r\n", "", 1)), request: upgrade, want: "502 " + refused},
		"NotH2C": {server: offers, request: ask("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
			want: "200 ok"},
		"NotAmong":  {server: offers, request: ask("Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"), want: "200 ok"},
		"Unnamed":   {server: offers, request: ask("Upgrade: echo\r\n"), want: "200 ok"},
		"WithBody":  {server: offers, request: begin + "Connection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 4\r\n\r\nbody", want: "200 ok"},
		"HTTP10":    {server: offers, request: "GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", want: "200 ok"},
		"ErrSilent": {server: answersOnceNever, request: upgrade, header: 50 * time.Millisecond, want: "504 the server did not answer in time"},
	})
}

// TestScenarioTogether has many use connections that servers close as they please.
func TestScenarioTogether(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			address := scripted(t, scheme, scenario{server: answersOnce(plainOK)})
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() {
					for range 10 {
						answered(t, address, getOne)
					}
				})
			}
			clients.Wait()
		})
	}
}
