package clustertest

import (
	"context"
	"crypto/sha256"
	_ "embed" // the list of artifacts
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gofrs/flock"
)

// pom lists Kafka's artifacts, which Maven fetches.
//
//go:embed testdata/pom.xml
var pom []byte

// properties of a node that is broker and controller; %[1]s is its directory,
// %[2]d and %[3]d their ports. Groups form at once: tests have no members that are
// about to come. Messages may be of a time long past. A busy machine must not have the
// controller end the session of the broker: see [sessionProperties] for one that restarts.
const properties = `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[3]d
listeners=PLAINTEXT://127.0.0.1:%[2]d,CONTROLLER://127.0.0.1:%[3]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[2]d
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=%[1]s
num.partitions=3
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=3
group.initial.rebalance.delay.ms=0
log.retention.ms=-1
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=60000
group.consumer.heartbeat.interval.ms=500
group.consumer.min.heartbeat.interval.ms=500
`

// StartKafka runs Apache Kafka, one node in KRaft mode, until the test ends, and
// returns its address.
func StartKafka(t testing.TB) string {
	t.Helper()
	port := freePort(t)
	newNode(t, port, "", nil).start()
	return address(port)
}

// StartServerKafka is [StartKafka] with a JVM that is set up as a server's, not for tests
// to start soon, and gives the id of a process whose children the server is one of.
func StartServerKafka(t testing.TB) (addr string, pid int) {
	t.Helper()
	port := freePort(t)
	n := newNode(t, port, "", nil)
	n.jvm = []string{"-XX:+UseG1GC", "-Xms1g", "-Xmx1g", "-cp", classPath(t)}
	return address(port), n.start().cmd.Process.Pid
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// node is a Kafka node that can be started again and again.
type node struct {
	t            testing.TB
	java, config string
	jvm          []string
}

// newNode makes the directory of a node that will listen on a port, with more
// properties, to clients as login says; to all of them where it is nil.
func newNode(t testing.TB, port int, more string, login *Credentials) *node {
	t.Helper()
	java, err := exec.LookPath("java")
	if err != nil {
		Missing(t, "java", "default-jre-headless")
	}
	n := &node{t: t, java: java, jvm: jvmFlags(t)}
	if file := archive(t, java); file != "" {
		n.jvm = append([]string{"-XX:SharedArchiveFile=" + file}, n.jvm...)
	}
	n.format(port, more, login)
	return n
}

// jvmFlags are those of a JVM that starts soon rather than runs fast.
func jvmFlags(t testing.TB) []string {
	t.Helper()
	return []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xms128m", "-Xmx512m", "-cp", classPath(t)}
}

// format makes the node's directory.
func (n *node) format(port int, more string, login *Credentials) {
	n.t.Helper()
	dir := folder(n.t)
	n.config = filepath.Join(dir, "server.properties")
	controller := freePort(n.t)
	config := fmt.Appendf(nil, properties, filepath.Join(dir, "data"), port, controller)
	config = append(config, more...)
	format := []string{"format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", n.config}
	if login != nil {
		config = fmt.Appendf(config, loginProperties, freePort(n.t), port, controller, login.User, login.Password, login.CertFile, login.KeyFile)
		format = append(format, login.users()...)
	}
	if err := os.WriteFile(n.config, config, 0o600); err != nil {
		n.t.Fatal(err)
	}
	format = n.args("kafka.tools.StorageTool", format...)
	if out, err := exec.Command(n.java, format...).CombinedOutput(); err != nil {
		n.t.Fatalf("format Kafka's directory: %v\n%s", err, out)
	}
}

func (n *node) args(class string, args ...string) []string {
	return slices.Concat(n.jvm, []string{class}, args)
}

func (n *node) start() *process {
	n.t.Helper()
	return n.startUntil("KILL")
}

// startUntil starts the node, which a signal ends.
func (n *node) startUntil(signal string) *process {
	n.t.Helper()
	return launch(n.t, signal, "Kafka Server started", nil, n.java, n.args("kafka.Kafka", n.config)...)
}

// Jars is the directory of Apache Kafka's artifacts: the server, its tools, its
// clients and Streams. The test is skipped where they cannot be fetched, or fails: see
// [Missing].
func Jars(t testing.TB) string {
	t.Helper()
	return Artifacts(t, pom)
}

// Artifacts is the directory of what a Maven project needs to run. It is fetched once,
// and kept in the user's cache.
func Artifacts(t testing.TB, pom []byte) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "axion-test", fmt.Sprintf("kafka-%x", sha256.Sum256(pom))[:18])
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	lock := flock.New(dir + ".lock") // packages are tested side by side
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Unlock() }()
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		Missing(t, "mvn", "maven")
	}
	work := folder(t)
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom, 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, mvn, "-B", "-q", "-f", work, "dependency:copy-dependencies", "-DincludeScope=runtime",
		"-DoutputDirectory="+fresh)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("fetch Kafka: %v\n%s", err, strings.TrimSpace(string(out)))
	}
	if err := os.Rename(fresh, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}
