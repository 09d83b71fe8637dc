package clustertest

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Slow skips a test that is slow for the servers that it starts, where -short asks for
// it, and under the race detector, which sees nothing of them.
func Slow(t testing.TB) {
	t.Helper()
	if testing.Short() || raceEnabled {
		t.Skip("takes long: it runs without -short and without -race")
	}
}

// RerunOnCluster runs the tests of this binary whose names match pattern once more, on
// Apache Kafka and PostgreSQL. Each has a node to itself, and as many run side by
// side as there are nodes. It skips where Kafka and PostgreSQL are not there, in the
// second run, and where [Slow] does.
func RerunOnCluster(t *testing.T, pattern string, nodes int) {
	t.Helper()
	if os.Getenv(BrokersEnv) != "" || os.Getenv(DatabaseEnv) != "" {
		t.Skip("runs on a cluster already")
	}
	Slow(t)
	database := StartPostgres(t)
	brokers := make([]string, nodes)
	for i := range brokers {
		brokers[i] = StartKafka(t)
	}
	args := []string{"-test.run=" + pattern, "-test.parallel=64", "-test.count=1"}
	if deadline, ok := t.Deadline(); ok {
		args = append(args, "-test.timeout="+(time.Until(deadline)-5*time.Second).String())
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), BrokersEnv+"="+strings.Join(brokers, ";"), DatabaseEnv+"="+database)
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Fatalf("on Apache Kafka and PostgreSQL: %v\n%s", err, out)
	case bytes.Contains(out, []byte("no tests to run")):
		t.Fatal("no test ran")
	}
}

// Flags put axion on the cluster that [BrokersEnv] and [DatabaseEnv] name, as
// [NewBroker] and [Database] put a test; there are none where it stays on its own
// parts. The cluster then has topics, with three partitions each.
func Flags(t testing.TB, topics ...string) []string {
	t.Helper()
	if os.Getenv(BrokersEnv) == "" {
		return nil
	}
	return []string{"--brokers", strings.Join(NewBroker(t, topics...).ListenAddrs(), ","), "--database", Database(t)}
}
