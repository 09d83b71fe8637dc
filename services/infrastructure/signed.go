package infrastructure

import (
	"errors"
	"fmt"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/signature"
)

// errUnsigned refuses a request that is not signed and would have to be.
var errUnsigned = errors.New("the request is not signed")

// verify says what is wrong with the signature of a request to provision.
func (r *runtimes) verify(m *bus.Message) error {
	return r.key.Verify(m.Headers.Get(signature.Header), contract.Provision, m.Value, time.Now())
}

// refuse is the answer to a request that has a command run, or changes the files of one
// that runs, and that whoever reaches Kafka may have sent. The first is told of.
func (r *runtimes) refuse(m *bus.Message, req contract.ProvisionRequest, why error) error {
	r.refusing.Do(func() {
		r.log.Warn("provisioning of a process refused, as others will be without a word: "+why.Error(), "project", req.ProjectID,
			"topic", m.Topic, "partition", m.Partition, "offset", m.Offset,
			"hint", "a service in deployment-service's place signs such requests with the key that `axion env` prints")
	})
	return bus.Permanent(fmt.Errorf("run: the runtime %q needs a signed request: %w; "+
		"hint: sign it with the key that `axion env` prints, in the header %s",
		contract.RuntimeProcess, why, signature.Header))
}
