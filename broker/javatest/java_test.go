package javatest

import (
	"bufio"
	"context"
	_ "embed" // the list of the old client's artifacts
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"axion/services/clustertest"
)

// oldPom lists the artifacts of a client of an old version.
//
//go:embed testdata/old/pom.xml
var oldPom []byte

// only chooses scenarios by a regular expression, for work on one of them.
var only = flag.String("scenarios", ".*", "which scenarios of the Java program run")

// runTime bounds a run of the Java program.
const runTime = 9 * time.Minute

// outcomes are what steps came to, in their order, by scenario: each is step and
// outcome, separated by a tab.
type outcomes map[string][]string

// server is a broker that can be started again.
type server interface {
	ListenAddrs() []string
	Start()
	Stop()
}

// TestJava: what a Java client and a tool do on Apache Kafka, they do on the
// embedded broker.
func TestJava(t *testing.T) {
	t.Parallel()
	clustertest.Slow(t)
	java, err := exec.LookPath("java")
	if err != nil {
		clustertest.Missing(t, "java", "default-jre-headless")
	}
	p := &program{
		java: java, dir: t.TempDir(), logs: t.ArtifactDir(),
		jars: list(t, clustertest.Jars(t)), old: list(t, clustertest.Artifacts(t, oldPom)),
	}
	p.compile(t)
	embedded := newEmbedded(t)
	kafka := clustertest.NewCleanKafka(t)
	kafka.Start()
	for _, client := range []string{"all", "old"} {
		got, want := p.both(t, client, *only, embedded, kafka)
		for _, all := range []outcomes{got, want} {
			all.drop(ofQuorum)
		}
		compare(t, got, want)
	}
	// The Kafka that restarts has a controller of its own, which the embedded broker has not.
	got, want := p.both(t, "all", "^(admin/cluster|tools)$", embedded, running(clustertest.StartKafka(t)))
	for _, all := range []outcomes{got, want} {
		all.drop(func(step string) bool { return !ofQuorum(step) && step != "end" })
	}
	t.Run("quorum", func(t *testing.T) { compare(t, got, want) })
}

// ofQuorum: what a step comes to depends on whether the broker is its own controller.
func ofQuorum(step string) bool {
	return step == "quorum" || strings.HasPrefix(step, "MetadataQuorumCommand ")
}

// drop takes steps out.
func (o outcomes) drop(what func(step string) bool) {
	for scenario, steps := range o {
		o[scenario] = slices.DeleteFunc(steps, func(line string) bool { return what(step(line)) })
	}
}

// running is a broker that is not started again.
type running string

func (r running) ListenAddrs() []string { return []string{string(r)} }
func (r running) Start()                {}
func (r running) Stop()                 {}

// list names the files of a directory as a class path does.
func list(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no artifacts in %s: %v", dir, err)
	}
	return strings.Join(files, string(os.PathListSeparator))
}

// compare has a test for each scenario, whose steps must come to the same.
func compare(t *testing.T, got, want outcomes) {
	t.Helper()
	for scenario := range got {
		if _, ok := want[scenario]; !ok {
			t.Errorf("%s reported nothing on Apache Kafka", scenario)
		}
	}
	for scenario, steps := range want {
		t.Run(scenario, func(t *testing.T) {
			if steps[len(steps)-1] != "end\treached" {
				t.Errorf("it did not end well on Apache Kafka:\n%s", strings.Join(steps, "\n"))
			}
			for _, line := range difference(got[scenario], steps) {
				t.Error(line)
			}
		})
	}
}

// difference says which steps came to something else. A step that is missing on one
// side is counted by its own.
func difference(got, want []string) []string {
	var lines []string
	for i, j := 0, 0; i < len(got) || j < len(want); {
		switch {
		case i < len(got) && j < len(want) && got[i] == want[j]:
			i, j = i+1, j+1
		case i < len(got) && j < len(want) && step(got[i]) == step(want[j]):
			lines = append(lines, fmt.Sprintf("%s:\n embedded %s\n Kafka    %s", step(got[i]), outcome(got[i]), outcome(want[j])))
			i, j = i+1, j+1
		case i < len(got) && !slices.ContainsFunc(want[j:], func(s string) bool { return step(s) == step(got[i]) }):
			lines = append(lines, fmt.Sprintf("%s:\n embedded %s\n Kafka    has no such step", step(got[i]), outcome(got[i])))
			i++
		case j < len(want):
			lines = append(lines, fmt.Sprintf("%s:\n embedded has no such step\n Kafka    %s", step(want[j]), outcome(want[j])))
			j++
		default:
			lines = append(lines, fmt.Sprintf("%s:\n embedded %s\n Kafka    is over", step(got[i]), outcome(got[i])))
			i++
		}
	}
	return lines
}

func step(line string) string {
	step, _, _ := strings.Cut(line, "\t")
	return step
}

// outcome shows one that has several lines as such.
func outcome(line string) string {
	_, outcome, _ := strings.Cut(line, "\t")
	return strings.ReplaceAll(outcome, `\n`, "\n   ")
}

// program is the Java program.
type program struct {
	java, dir string
	logs      string // the directory of the clients' logs
	jars, old string // class paths
}

// compile compiles the program. The compiler is a module of every Java here, even of
// one without the command javac.
func (p *program) compile(t *testing.T) {
	t.Helper()
	sources, err := filepath.Glob("testdata/java/*.java")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	args := []string{
		"-XX:TieredStopAtLevel=1", "-m", "jdk.compiler/com.sun.tools.javac.Main", "-nowarn", "-proc:none", "-d", p.dir, "-cp", p.jars,
	}
	out, err := exec.CommandContext(t.Context(), p.java, append(args, sources...)...).CombinedOutput()
	if strings.Contains(string(out), "jdk.compiler not found") {
		clustertest.Missing(t, "the module jdk.compiler of java", "default-jdk-headless")
	}
	if err != nil {
		t.Fatalf("compile: %v\n%s", err, out)
	}
}

// both runs the program on both brokers at once.
func (p *program) both(t *testing.T, client, scenarios string, embedded, kafka server) (got, want outcomes) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), runTime)
	defer cancel()
	var gotErr error
	done := make(chan struct{})
	go func() {
		defer close(done)
		got, gotErr = p.run(ctx, client, scenarios, embedded)
	}()
	want, wantErr := p.run(ctx, client, scenarios, kafka)
	<-done
	if gotErr != nil {
		t.Errorf("on the embedded broker: %v", gotErr)
	}
	if wantErr != nil {
		t.Errorf("on Apache Kafka: %v", wantErr)
	}
	return got, want
}

// run runs the scenarios for a client, and starts the broker again when they ask.
func (p *program) run(ctx context.Context, client, scenarios string, s server) (outcomes, error) {
	addr, jars := s.ListenAddrs()[0], p.jars
	if client == "old" {
		jars = p.old
	}
	cmd := exec.CommandContext(ctx, p.java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", "-Djava.io.tmpdir="+p.dir,
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.logFile="+filepath.Join(p.logs, client+"-"+addr+".log"),
		"-cp", p.dir+string(os.PathListSeparator)+jars, "Main", addr, client, scenarios)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	all, err := read(stdout, func() error {
		s.Stop()
		s.Start()
		_, err := io.WriteString(stdin, "\n")
		return err
	})
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return all, fmt.Errorf("%w\n%s", err, said.String())
	}
	if err := os.WriteFile(filepath.Join(p.logs, client+"-"+addr+".times"), []byte(said.String()), 0o600); err != nil {
		return all, err
	}
	return all, nil
}

// read gathers what the program reports.
func read(r io.Reader, restart func() error) (outcomes, error) {
	all := make(outcomes)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if lines.Text() == "RESTART" {
			if err := restart(); err != nil {
				return all, err
			}
			continue
		}
		scenario, rest, ok := strings.Cut(lines.Text(), "\t")
		if !ok {
			return all, fmt.Errorf("the program printed %q", lines.Text())
		}
		all[scenario] = append(all[scenario], rest)
	}
	return all, lines.Err()
}
