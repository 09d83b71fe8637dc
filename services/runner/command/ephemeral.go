package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"axion/web/summary"
	"axion/web/view"
)

const (
	// readyTimeout bounds what services take until a command runs beside them.
	readyTimeout = 2 * time.Minute
	// endTimeout bounds what a stack takes to end that keeps nothing.
	endTimeout = 30 * time.Second
	// pollInterval is how often it is looked whether services are ready.
	pollInterval = 100 * time.Millisecond
)

// startEphemeral starts a stack that keeps nothing, with the services of the compose file, and
// waits until they are ready. It ends with this process, or by end.
func (s Stack) startEphemeral(ctx context.Context, messages io.Writer) (running summary.Summary, end func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return running, nil, err
	}
	args := []string{"up", "--ephemeral", "--ports", "auto", "--json", "--parent", strconv.Itoa(os.Getpid())}
	for _, file := range *s.Files {
		args = append(args, "--file", file)
	}
	log := &tail{}
	cmd := exec.Command(self, args...)
	detach(cmd)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return running, nil, fmt.Errorf("start a stack: %w", err)
	}
	ended := make(chan struct{})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait() // what it had to say is in its log
	}()
	if err == nil {
		err = json.Unmarshal(line, &running)
	}
	if err == nil {
		running, err = s.load(running.Data) // what the line does not show
	}
	end = func() error { return endStack(context.WithoutCancel(ctx), newClient(running, s.Check), cmd, ended) }
	if err != nil {
		_ = cmd.Process.Kill()
		<-ended
		return running, nil, fmt.Errorf("start a stack: %w\n%s", err, log)
	}
	fmt.Fprintf(messages, "axion: no stack runs here: started one that keeps nothing, and ends with the command\n")
	if err := awaitServices(ctx, newClient(running, s.Check), messages); err != nil {
		return running, nil, errors.Join(err, end())
	}
	return running, end, nil
}

// endStack asks a stack to end, and waits until it has.
func endStack(ctx context.Context, c *client, cmd *exec.Cmd, ended <-chan struct{}) error {
	timer := time.NewTimer(endTimeout)
	defer timer.Stop()
	if err := c.post(ctx, "/api/shutdown", nil, nil); err != nil {
		_ = cmd.Process.Kill()
	}
	select {
	case <-ended:
		return nil
	case <-timer.C:
		_ = cmd.Process.Kill()
		<-ended
		return fmt.Errorf("the stack has not ended within %s: it was killed", endTimeout)
	}
}

// awaitServices waits until the services of the compose file are as far as they come: run, are
// complete, or are the user's own.
func awaitServices(ctx context.Context, c *client, messages io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	said := ""
	for {
		all, err := c.services(ctx)
		if err != nil {
			return err
		}
		waits, err := notReady(all)
		if err != nil || len(waits) == 0 {
			return err
		}
		if text := strings.Join(waits, ", "); text != said {
			said = text
			fmt.Fprintln(messages, "axion: waits for", text)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("services are not ready: %s", said)
		case <-time.After(pollInterval):
		}
	}
}

// notReady are the services that are on their way. It is an error where one has failed, or all
// of them wait for somebody else's.
func notReady(all []view.Service) (waits []string, err error) {
	var yours []view.Service
	moving := false
	for _, s := range all {
		switch s.State {
		case view.ServiceFailed:
			return nil, hintError{fmt.Errorf("service %s has failed: %s", s.Name, s.Detail), s.Hint}
		case view.ServiceRunning, view.ServiceCompleted, view.ServiceStopped:
		case view.ServiceWaiting:
			if s.Provider == providedByUser {
				yours = append(yours, s)
			} else {
				waits = append(waits, s.Name)
			}
		default:
			moving = true
			waits = append(waits, s.Name)
		}
	}
	if len(waits) > 0 && !moving && len(yours) > 0 && len(all) > len(waits)+len(yours) {
		return nil, hintError{fmt.Errorf("%s waits: %s", strings.Join(waits, ", "), yours[0].Detail), yours[0].Hint}
	}
	return waits, nil
}

// providedByUser is the provider of a service that the user starts.
const providedByUser = "yours"

// tail keeps the end of what is written. It is safe for concurrent use.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write appends p.
func (t *tail) Write(p []byte) (int, error) {
	const most = 8 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(p), nil
}

// String is what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
