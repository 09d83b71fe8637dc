package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/advertise"
	"axion/broker/frame/frametest"
)

// told asks at an address, a connection of its own each, where the broker is.
func told(t *testing.T, at string) string {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 12
	resp := req.ResponseKind().(*kmsg.MetadataResponse)
	if err := askAt(t, at, req, resp); err != nil {
		t.Fatal(err)
	}
	if len(resp.Brokers) != 1 {
		t.Fatalf("got %d brokers, want 1", len(resp.Brokers))
	}
	return net.JoinHostPort(resp.Brokers[0].Host, strconv.Itoa(int(resp.Brokers[0].Port)))
}

func askAt(t *testing.T, at string, req kmsg.Request, resp kmsg.Response) error {
	t.Helper()
	body, err := exchangeAt(t, at, req)
	if err != nil {
		return err
	}
	resp.SetVersion(req.GetVersion())
	if resp.IsFlexible() && kmsg.Key(req.Key()) != kmsg.ApiVersions {
		body = body[1:]
	}
	return resp.ReadFrom(body)
}

// exchangeAt sends a request over a connection of its own, and returns the answer
// behind its correlation id.
func exchangeAt(t *testing.T, at string, req kmsg.Request) ([]byte, error) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(testContext(t), "tcp", at)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(frametest.Request(req)); err != nil {
		return nil, err
	}
	size := make([]byte, 4)
	if _, err := io.ReadFull(conn, size); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size))
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	return body[4:], nil
}

// works produces and consumes as a client does that knows the address at alone.
func works(t *testing.T, at, topic string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(at), kgo.ConsumeTopics(topic), kgo.AllowAutoTopicCreation(), kgo.FetchMaxWait(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: topic, Value: []byte(at)}).FirstErr(); err != nil {
		t.Fatalf("produce at %s: %v", at, err)
	}
	for {
		fetches := cl.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatalf("consume at %s: %v", at, err)
		}
		for _, r := range fetches.Records() {
			if string(r.Value) == at {
				return
			}
		}
	}
}

// everywhere is the address of a listener on all of this machine's addresses.
func everywhere(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func portOf(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

// thisMachine gives addresses of this machine beyond loopback: an IPv4 one, and an
// IPv6 one of a link with its zone; invalid where it has none.
func thisMachine(t *testing.T) (four, link netip.Addr) {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		addrs, err := i.Addrs()
		if err != nil || i.Flags&net.FlagUp == 0 {
			continue
		}
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			switch ip := prefix.Addr(); {
			case err != nil || ip.IsLoopback():
			case ip.Is4():
				four = ip
			case ip.IsLinkLocalUnicast():
				link = ip.WithZone(i.Name)
			}
		}
	}
	return four, link
}

// TestAdvertised: a listener on every address sends each client the one that it
// came in on, twice, and after a restart too.
func TestAdvertised(t *testing.T) {
	t.Parallel()
	l, more := everywhere(t), listen(t, "127.0.0.1")
	b := start(t, Options{Listener: l, More: []net.Listener{more}, Topics: []string{"a"}})
	port := portOf(l)
	if want := "localhost:" + port; b.Addr() != want || b.Seeds()[0] != want {
		t.Errorf("got %s, want %s", b.Addr(), want)
	}
	want := map[string]string{
		"127.0.0.1:" + port:          "localhost:" + port,
		"127.0.0.5:" + port:          "localhost:" + port,
		"[::1]:" + port:              "localhost:" + port,
		"localhost:" + port:          "localhost:" + port,
		more.Addr().String():         "localhost:" + portOf(more),
		"[::ffff:127.0.0.1]:" + port: "localhost:" + port,
	}
	four, link := thisMachine(t)
	if four.IsValid() {
		at := net.JoinHostPort(four.String(), port)
		want[at] = at
		want["[::ffff:"+four.String()+"]:"+port] = at
	}
	if link.IsValid() {
		at := net.JoinHostPort(link.String(), port)
		want[at] = at
	}
	if name, err := os.Hostname(); err == nil {
		if ip, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(name, port)); err == nil && four.IsValid() && ip.IP.String() == four.String() {
			want[net.JoinHostPort(name, port)] = net.JoinHostPort(four.String(), port)
		}
	}
	if conn, err := net.Dial("tcp", "[::1]:"+port); err != nil {
		delete(want, "[::1]:"+port) // no IPv6 on this machine
	} else {
		_ = conn.Close()
	}
	check := func() {
		t.Helper()
		for at, want := range want {
			for range 2 {
				if got := told(t, at); got != want {
					t.Errorf("at %s: told %s, want %s", at, got, want)
				}
			}
			works(t, at, "a")
		}
	}
	check()
	if err := b.embedded.GoOffline(); err != nil {
		t.Fatal(err)
	}
	if err := b.embedded.GoOnline(); err != nil {
		t.Fatal(err)
	}
	check()
}

// TestAdvertisedInOne asks over one connection for every answer that names a
// broker, without waiting for any of them.
func TestAdvertisedInOne(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Advertise: "nat.example.com:443", Topics: []string{"a"}})
	var all []byte
	const n = 20
	for range n {
		meta, find, cluster := kmsg.NewPtrMetadataRequest(), kmsg.NewPtrFindCoordinatorRequest(), kmsg.NewPtrDescribeClusterRequest()
		find.CoordinatorKeys = []string{"a", "b", "c"}
		meta.Version, find.Version, cluster.Version = 12, 4, 1
		all = append(append(append(all, frametest.Request(meta)...), frametest.Request(find)...), frametest.Request(cluster)...)
	}
	conn := dial(t, b)
	if _, err := conn.Write(all); err != nil {
		t.Fatal(err)
	}
	for i := range 3 * n {
		body := answer(t, conn)
		want := []int{1, 3, 1}[i%3]
		if got := bytes.Count(body, []byte("nat.example.com\x00\x00\x01\xbb")); got != want {
			t.Fatalf("answer %d tells of %d brokers, want %d: %q", i, got, want, body)
		}
	}
}

// TestAdvertisedAnswers sends every request in every version that the broker
// answers: none of the answers has kfake's one address.
func TestAdvertisedAnswers(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	at := b.options.Listener.Addr().String()
	versions := kmsg.NewPtrApiVersionsResponse()
	if err := askAt(t, at, kmsg.NewPtrApiVersionsRequest(), versions); err != nil {
		t.Fatal(err)
	}
	tells := map[int16]int{}
	for _, k := range versions.ApiKeys {
		for v := k.MinVersion; v <= k.MaxVersion; v++ {
			req := kmsg.RequestForKey(k.ApiKey)
			req.SetVersion(v)
			prepareRequest(req)
			body, err := exchangeAt(t, at, req)
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded):
				t.Errorf("%s v%d: no answer", kmsg.NameForKey(k.ApiKey), v)
			case bytes.Contains(body, []byte("advertised.invalid")):
				t.Errorf("%s v%d tells of kfake's own address: %q", kmsg.NameForKey(k.ApiKey), v, body)
			case bytes.Contains(body, []byte("localhost")):
				tells[k.ApiKey]++
			}
		}
	}
	for _, key := range []kmsg.Key{kmsg.Metadata, kmsg.FindCoordinator, kmsg.DescribeCluster} {
		if tells[key.Int16()] == 0 {
			t.Errorf("%s does not tell where the broker is: %v", kmsg.NameForKey(key.Int16()), tells)
		}
	}
}

// prepareRequest fills in what a request is answered for.
func prepareRequest(req kmsg.Request) {
	switch r := req.(type) {
	case *kmsg.ProduceRequest:
		r.Acks = -1
	case *kmsg.FindCoordinatorRequest:
		r.CoordinatorKey, r.CoordinatorKeys = "g", []string{"g"}
	case *kmsg.JoinGroupRequest:
		r.Group, r.SessionTimeoutMillis = "", 6000 // refused, and not waited for
	}
}

// TestKfakeTellsOneAddress shows what the guard makes up for: kfake sends each
// client its listener's one address. Once this fails, kfake may send a
// connection's own, and the guard's rewriting may go.
func TestKfakeTellsOneAddress(t *testing.T) {
	t.Parallel()
	l := listen(t, "127.0.0.1")
	listen := func(string, string) (net.Listener, error) { return elsewhere{l}, nil }
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(listen))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	if got := told(t, l.Addr().String()); got != advertise.Placeholder {
		t.Errorf("told %s, want %s", got, advertise.Placeholder)
	}
}

type elsewhere struct{ net.Listener }

func (elsewhere) Addr() net.Addr { return placeholder{} }

type placeholder struct{}

func (placeholder) Network() string { return "tcp" }
func (placeholder) String() string  { return advertise.Placeholder }

// TestMore: one listener of several that cannot be had later changes nothing for
// the others, all are closed with the broker, and a second start takes them again.
func TestMore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var addrs []string
	for range 2 {
		o := Options{Dir: dir, Topics: []string{"a"}}
		for i := range 3 {
			at := "127.0.0.1:0"
			if len(addrs) == 3 {
				at = addrs[i]
			}
			l, err := net.Listen("tcp", at)
			if err != nil {
				t.Fatalf("the port is not free: %v", err)
			}
			if i == 0 {
				o.Listener = l
			} else {
				o.More = append(o.More, l)
			}
		}
		b := start(t, o)
		addrs = nil
		for _, l := range o.listeners() {
			addrs = append(addrs, l.Addr().String())
			works(t, l.Addr().String(), "a")
		}
		_ = o.More[0].Close() // as for a fault of its own
		works(t, addrs[0], "a")
		works(t, addrs[2], "a")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestListen: a listener that is added later serves as the first does, after a restart of the
// cluster too, is closed with the broker, and is refused by one that is closed.
func TestListen(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	added, late := listen(t, "127.0.0.1"), listen(t, "127.0.0.1")
	if err := b.Listen(added); err != nil {
		t.Fatal(err)
	}
	works(t, added.Addr().String(), "a")
	if err := b.embedded.GoOffline(); err != nil {
		t.Fatal(err)
	}
	if err := b.embedded.GoOnline(); err != nil {
		t.Fatal(err)
	}
	works(t, added.Addr().String(), "a")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Listen(late); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	for _, l := range []net.Listener{added, late} {
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s is open: %v", l.Addr(), err)
		}
	}
}

// TestMoreErr: a broker that does not start closes all listeners.
func TestMoreErr(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"ErrAdvertise": {Advertise: "nowhere"}, "ErrDir": {Dir: os.DevNull}, "ErrTopic": {Topics: []string{"no spaces"}},
	} {
		o.Listener, o.More = listen(t, "127.0.0.1"), []net.Listener{listen(t, "127.0.0.1")}
		if o.Dir == "" {
			o.Dir = t.TempDir()
		}
		if _, err := Start(testContext(t), o); err == nil {
			t.Fatalf("%s: got no error", name)
		}
		for _, l := range o.listeners() {
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: got %v, want the listener closed", name, err)
			}
		}
	}
}

// TestRemoteWarning: other machines' access is warned of once, and not after a
// restart again; that of this machine alone is not.
func TestRemoteWarning(t *testing.T) {
	t.Parallel()
	const warning = "listens beyond this machine"
	out := &logged{}
	b := start(t, Options{Listener: everywhere(t), More: []net.Listener{everywhere(t)}, Addresses: []string{"0.0.0.0:1", "host:2"},
		Log: out.logger()})
	if err := errors.Join(b.embedded.GoOffline(), b.embedded.GoOnline()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), warning); n != 1 || !strings.Contains(out.String(), "[0.0.0.0:1 host:2]") {
		t.Errorf("told %d times, want once, with the addresses that were asked for: %s", n, out)
	}
	out = &logged{}
	start(t, Options{Log: out.logger()})
	if strings.Contains(out.String(), warning) {
		t.Errorf("on loopback: %s", out)
	}
}
