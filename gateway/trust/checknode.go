package trust

import (
	"context"
	"os/exec"

	"errors"
)

// askNode has Node say whether its connections trust the certificate in a file:
// by exit code 0 or 3, or 4 where it is too old to say.
const askNode = `
const tls = require("tls"), { X509Certificate } = require("crypto");
if (!tls.getCACertificates) process.exit(4);
const want = new X509Certificate(require("fs").readFileSync(process.argv[1])).fingerprint256;
const has = tls.getCACertificates("default").some((pem) => {
  try { return new X509Certificate(pem).fingerprint256 === want; } catch { return false; }
});
process.exit(has ? 0 : 3);`

// checkNode looks at Node, which by default trusts neither the system's store nor
// any browser's.
func (m *machine) checkNode(ctx context.Context, r *root) Check {
	c := Check{Name: "node trust", State: note, Detail: "node is not installed"}
	tool := m.tool("node")
	if tool == "" {
		return c
	}
	_, err := m.run(ctx, tool, "-e", askNode, r.file)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	}
	switch {
	case err == nil:
		c.State, c.Detail = fine, "trusts the root"
		return c
	case code == 3:
		c.State, c.Detail = warning, "does not trust the root"
	case code == 4 && r.inFile(m.env("NODE_EXTRA_CA_CERTS")):
		c.State, c.Detail = fine, "trusts the root by NODE_EXTRA_CA_CERTS"
		return c
	case code == 4:
		c.State, c.Detail = warning, "does not have the root in NODE_EXTRA_CA_CERTS"
	default:
		c.State, c.Detail = warning, "cannot tell: "+err.Error()
	}
	c.Fix = "export " + shell("NODE_EXTRA_CA_CERTS="+r.file) +
		", or once the system trusts it, NODE_OPTIONS=--use-system-ca (Node 22.15 or newer)"
	return c
}

// inFile reports whether a PEM file holds the root.
func (r *root) inFile(file string) bool {
	certs, err := readCertificates(file)
	return err == nil && r.in(certs)
}
