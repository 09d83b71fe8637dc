package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker"
	"axion/services/clustertest"
)

// certificate makes a certificate of localhost, for servers and clients, and
// leaves it and its key in files.
func certificate(t *testing.T) (pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der},
		keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if pair, err = tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	return pair, certFile, keyFile
}

// TestExternal connects to a cluster that asks for SASL over mutual TLS. It sets
// variables, and so has the process for itself.
func TestExternal(t *testing.T) {
	pair, cert, key := certificate(t)
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	for _, mechanism := range mechanisms {
		t.Run(mechanism, func(t *testing.T) {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(5), kfake.EnableSASL(),
				kfake.Superuser(mechanism, "axion", "s3cret"),
				kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}))
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			testExternal(t, cluster.ListenAddrs(), mechanism, cert, key, 5)
		})
	}
}

// TestExternalKafka is TestExternal on Apache Kafka.
func TestExternalKafka(t *testing.T) {
	clustertest.Slow(t)
	_, cert, key := certificate(t)
	var both []byte
	for _, file := range []string{cert, key} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	pair := filepath.Join(t.TempDir(), "pair.pem")
	if err := os.WriteFile(pair, both, 0o600); err != nil {
		t.Fatal(err)
	}
	addr := clustertest.StartSecured(t, clustertest.Credentials{User: "axion", Password: "s3cret", CertFile: cert, KeyFile: pair})
	for _, mechanism := range mechanisms {
		t.Run(mechanism, func(t *testing.T) { testExternal(t, []string{addr}, mechanism, cert, key, 3) })
	}
}

var mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// testExternal connects by the variables, makes a topic and writes to it.
func testExternal(t *testing.T, addrs []string, mechanism, cert, key string, partitions int) {
	for name, value := range map[string]string{
		"KAFKA_SASL_MECHANISM": mechanism, "KAFKA_SASL_USERNAME": "axion", "KAFKA_SASL_PASSWORD": "s3cret",
		"KAFKA_TLS": "true", "KAFKA_TLS_CA_FILE": cert, "KAFKA_TLS_CERT_FILE": cert, "KAFKA_TLS_KEY_FILE": key,
	} {
		t.Setenv(name, value)
	}
	var f broker.Flags
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.Register(set)
	if err := set.Parse([]string{"--brokers", strings.Join(addrs, ",")}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	open := func() (broker.Cluster, error) {
		return f.Open(ctx, broker.Options{Topics: []string{"axion.events"}, Log: slog.New(slog.DiscardHandler)})
	}
	c, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Healthy(ctx); err != nil || c.Addr() != addrs[0] {
		t.Errorf("got %s, %v", c.Addr(), err)
	}
	topics, err := c.Admin().Topics(ctx)
	if err != nil || len(topics) != 1 || len(topics[0].Partitions) != partitions {
		t.Errorf("topics: got %+v, %v; want one with the cluster's own partitions", topics, err)
	}
	client, err := kgo.NewClient(append(c.Client(), kgo.SeedBrokers(c.Seeds()...))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: "axion.events", Value: []byte("x")}).FirstErr(); err != nil {
		t.Error(err)
	}
	t.Setenv("KAFKA_SASL_PASSWORD", "wrong")
	var hinter interface{ Hint() string }
	if _, err := open(); err == nil || !strings.HasPrefix(err.Error(), "--brokers: ") || !errors.As(err, &hinter) {
		t.Errorf("a wrong password: got %v, want an error that names the flag and says how to fix it", err)
	}
}

func TestExternalAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{":9092", "kafka:x", "kafka:70000", "a:b:c", ""} {
		f := broker.Flags{Brokers: []string{address}}
		if _, err := f.Open(t.Context(), broker.Options{}); err == nil || !strings.HasPrefix(err.Error(), "--brokers ") {
			t.Errorf("%q: got %v, want an error that names the flag", address, err)
		}
	}
}

func TestSecurity(t *testing.T) {
	t.Parallel()
	_, cert, key := certificate(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	type env map[string]string
	for _, tt := range []struct {
		name string
		env  env
		opts int
		want string // the variable at fault
	}{
		{"OKNone", env{}, 1, ""},
		{"OKTLS", env{"KAFKA_TLS": "true"}, 1, ""},
		{"OKOff", env{"KAFKA_TLS": "false", "KAFKA_TLS_CA_FILE": cert}, 1, ""},
		{"OKImplied", env{"KAFKA_TLS_CA_FILE": cert}, 1, ""},
		{"OKBoth", env{"KAFKA_TLS": "1", "KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": "p"}, 2, ""},
		{"ErrTLS", env{"KAFKA_TLS": "maybe"}, 0, "KAFKA_TLS"},
		{"ErrCAMissing", env{"KAFKA_TLS_CA_FILE": "/no/such"}, 0, "KAFKA_TLS_CA_FILE"},
		{"ErrCAEmpty", env{"KAFKA_TLS_CA_FILE": empty}, 0, "KAFKA_TLS_CA_FILE"},
		{"ErrCertAlone", env{"KAFKA_TLS_CERT_FILE": cert}, 0, "KAFKA_TLS_KEY_FILE"},
		{"ErrKeyAlone", env{"KAFKA_TLS_KEY_FILE": key}, 0, "KAFKA_TLS_CERT_FILE"},
		{"ErrCert", env{"KAFKA_TLS_CERT_FILE": empty, "KAFKA_TLS_KEY_FILE": key}, 0, "KAFKA_TLS_CERT_FILE"},
		{"ErrMechanism", env{"KAFKA_SASL_MECHANISM": "GSSAPI", "KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": "p"}, 0,
			"KAFKA_SASL_MECHANISM"},
		{"ErrNoMechanism", env{"KAFKA_SASL_USERNAME": "u"}, 0, "KAFKA_SASL_MECHANISM"},
		{"ErrNoUser", env{"KAFKA_SASL_MECHANISM": "PLAIN"}, 0, "KAFKA_SASL_USERNAME"},
		{"ErrNoPassword", env{"KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "u"}, 0, "KAFKA_SASL_PASSWORD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			opts, err := broker.Security(func(name string) string { return tt.env[name] })
			if tt.want == "" {
				if err != nil || len(opts) != tt.opts {
					t.Errorf("got %d settings, %v; want %d", len(opts), err, tt.opts)
				}
				return
			}
			var v *broker.VariableError
			if !errors.As(err, &v) || v.Name != tt.want || v.Hint() == "" || !strings.HasPrefix(err.Error(), tt.want+": ") {
				t.Errorf("got %v, want an error that names %s and says how to fix it", err, tt.want)
			}
		})
	}
}
