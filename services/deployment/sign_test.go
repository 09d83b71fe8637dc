package deployment_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host/hosttest"
	"axion/services/signature"
)

// answerWith has codegen answer by a command, under the headers that are given.
func (r *rig) answerWith(headers func(value []byte) []bus.Header) {
	hosttest.Answer(r.t, r.cluster, contract.Codegen, map[string]bus.Handler{
		contract.GenerateCode: func(context.Context, *bus.Message) (any, error) {
			return bus.Answer{Headers: headers, Value: contract.GenerateCodeReply{
				Files: []contract.File{{Path: "main.sh", Content: "x"}},
				Run:   contract.Run{Runtime: contract.RuntimeProcess, Command: []string{"sh", "main.sh"}},
			}}, nil
		},
	})
}

// TestSigned: a command that codegen signs is passed on, signed for infrastructure.
func TestSigned(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	key, err := signature.Load(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	r.answerWith(func(value []byte) []bus.Header {
		return []bus.Header{{Key: signature.Header, Value: []byte(key.Sign("GENERATE_CODE.answer", value, time.Now().Add(time.Minute)))}}
	})
	r.infrastructure()
	asked := hosttest.Dial(t, r.cluster, contract.Topic(contract.Infrastructure))
	r.start()
	r.send(contract.ProjectCreated, "e1", "p1", more)
	r.want("p1", "d1", success("tea")...)
	record := asked.Next()
	if err := key.Verify(hosttest.Headers(record)[signature.Header], contract.Provision, record.Value, time.Now()); err != nil {
		t.Errorf("the request to provision: %v", err)
	}
}

// TestUnsigned: an answer that anybody may have sent in codegen's place has no command run.
func TestUnsigned(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{"none": "", "forged": "expires=4102444800,v1=00"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.answerWith(func([]byte) []bus.Header { return []bus.Header{{Key: signature.Header, Value: []byte(header)}} })
			r.infrastructure()
			r.start()
			r.send(contract.ProjectCreated, "e1", "p1", more)
			r.want("p1", "d1", "STARTED")
			if got := r.next(); !strings.HasPrefix(got, contract.DeploymentFailed) || !strings.Contains(got, "signature") ||
				!strings.Contains(got, "hint: ") {
				t.Errorf("got %s", got)
			}
			if asked := r.requests(); len(asked) > 0 {
				t.Errorf("it was passed on: %v", asked)
			}
		})
	}
}
