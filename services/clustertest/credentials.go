package clustertest

import "testing"

// Credentials is what a secured cluster asks of its clients: a certificate that it trusts,
// and a user by SASL, be it PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
type Credentials struct {
	User, Password string
	// CertFile is the certificate of the cluster and of its clients, KeyFile the same
	// with its key, in PEM.
	CertFile, KeyFile string
}

// loginProperties come after [properties], which they override: %[1]d is the port of
// the node's own connections, %[2]d that of clients, %[3]d the controller's, then come
// user, password, and the files.
const loginProperties = `
listeners=NODE://127.0.0.1:%[1]d,SASL_SSL://127.0.0.1:%[2]d,CONTROLLER://127.0.0.1:%[3]d
advertised.listeners=NODE://127.0.0.1:%[1]d,SASL_SSL://127.0.0.1:%[2]d
listener.security.protocol.map=NODE:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=NODE
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_%[4]s="%[5]s";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location=%[7]s
ssl.truststore.type=PEM
ssl.truststore.location=%[6]s
`

// users are the arguments that make the user known by SCRAM.
func (l *Credentials) users() (args []string) {
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		args = append(args, "--add-scram", mechanism+"=[name="+l.User+",password="+l.Password+"]")
	}
	return args
}

// StartSecured is [StartKafka] for clients that log in.
func StartSecured(t testing.TB, login Credentials) string {
	t.Helper()
	port := freePort(t)
	newNode(t, port, "", &login).start()
	return address(port)
}
