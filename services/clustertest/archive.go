package clustertest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	archiveOnce sync.Once
	archivePath string // empty where there is none
)

// archive is an archive of the classes that Kafka loads (JEP 350), with which a JVM
// starts in less than half the time. A Kafka that is stopped once it was used makes it,
// the first time, and it is kept beside Kafka's artifacts for each version of Java. It
// is empty where Java makes none: everything works without.
func archive(t testing.TB, java string) string {
	t.Helper()
	archiveOnce.Do(func() {
		version, err := exec.Command(java, "-version").CombinedOutput()
		if err != nil {
			t.Fatalf("java -version: %v\n%s", err, version)
		}
		sum := sha256.Sum256(version)
		path := fmt.Sprintf("%s-%x.jsa", Jars(t), sum[:6])
		lock := flock.New(path + ".lock") // packages are tested side by side
		if err := lock.Lock(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = lock.Unlock() }()
		if _, err := os.Stat(path); err != nil {
			makeArchive(t, java, path)
		}
		if _, err := os.Stat(path); err == nil {
			archivePath = path
		}
	})
	return archivePath
}

// makeArchive makes the archive in a file, if Java can.
func makeArchive(t testing.TB, java, path string) {
	t.Helper()
	port, fresh := freePort(t), path+".new"
	n := &node{t: t, java: java, jvm: jvmFlags(t)}
	n.format(port, "", nil)
	n.jvm = append([]string{"-XX:+IgnoreUnrecognizedVMOptions", "-XX:ArchiveClassesAtExit=" + fresh}, n.jvm...)
	p := n.startUntil("TERM")
	roundTrip(t, address(port))
	p.stop()
	if err := os.Rename(fresh, path); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

// roundTrip sends a message and reads it in a group, so that Kafka has loaded what that needs.
func roundTrip(t testing.TB, addr string) {
	t.Helper()
	const topic = "archive"
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.TransactionalID(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: topic}).FirstErr(); err != nil {
		t.Fatalf("send to Kafka: %v", err)
	}
	if err := client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatalf("end a transaction on Kafka: %v", err)
	}
	if err := client.PollFetches(ctx).Err(); err != nil {
		t.Fatalf("read from Kafka: %v", err)
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatalf("commit on Kafka: %v", err)
	}
}

// classPath names all of Kafka's artifacts. An archive holds for one class path, in its order.
func classPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(Jars(t), "*")
}
