package layers

import (
	"slices"
	"strings"
)

// Kafka's format of batches, and the partitions of keys, are the same to who writes and who
// reads them.
var batches = []string{"broker/batch", "broker/undecodable", "broker/partitioner"}

// core is what every service stands on.
var core = append([]string{"services/contract", "services/bus/...", "services/store/...", "services/host", "services/auth/verifier",
	"services/signature", "services/closeframe", "web/loopback"}, batches...)

// cluster is what tests of services run on.
var cluster = []string{"broker/...", "web/view", "services/clustertest", "services/host/hosttest", "services/datadir/..."}

// Rules are the layers of the design.
var Rules = []Rule{
	{Place: "", Why: "main wires all of it", May: []string{"..."}},
	{Place: "broker/...", Why: "the broker knows nothing of who uses it", May: []string{"web/view"}, Tests: cluster},
	{Place: "broker/brokertest", Why: "it starts brokers, or another cluster, for tests",
		May: []string{"broker/...", "services/clustertest", "services/datadir/...", "web/view"}},
	{Place: "broker/killtest", Why: "it kills the broker, or another cluster, from outside",
		May: []string{"broker/...", "services/clustertest", "services/datadir/...", "web/view"}},
	{Place: "embed", Why: "the shipped files know nothing of who reads them"},
	{Place: "gateway/...", Why: "the gateway and the services meet over HTTP alone, the gateway and the broker not at all",
		May: []string{"web/view", "web/loopback"}},
	{Place: "services", Why: "the set of builtins talks over Kafka only",
		May:   append([]string{"services/...", "web/view", "web/loopback"}, batches...),
		Tests: cluster},
	{Place: "services/contract", Why: "the vocabulary stands below everything"},
	{Place: "services/lifecycle", Why: "what runs is not for it to know", Tests: cluster},
	{Place: "services/clustertest", Why: "a cluster knows nothing of who uses it"},
	{Place: "services/datadir/...", Why: "a directory knows nothing of what is kept in it", Tests: cluster},
	{Place: "services/closeframe", Why: "a frame is all that it sees"},
	{Place: "services/signature", Why: "what is signed is not for it to know"},
	{Place: "services/replacement", Why: "a replacement is an address"},
	{Place: "services/store/...", Why: "a store knows nothing of what is kept in it", Tests: cluster},
	{Place: "services/bus/...", Why: "the bus carries messages it does not know", May: append([]string{"services/contract"}, batches...),
		Tests: append([]string{"services/store/..."}, cluster...)},
	{Place: "services/host/...", Why: "a host runs services it does not know", May: core, Tests: cluster},
	{Place: "services/host/hosttest", Why: "tests run services they do not know, on any cluster",
		May: append([]string{"services/clustertest"}, core...)},
	{Place: "services/auth/...", Why: "services talk over Kafka only", May: core, Tests: cluster},
	{Place: "services/auth/verifier", Why: "the verifier asks over the bus through a function",
		May: []string{"services/contract"}, Tests: slices.Concat(cluster, core)},
	{Place: "services/graph/...", Why: "services talk over Kafka only", May: core, Tests: cluster},
	{Place: "services/codegen/...", Why: "services talk over Kafka only", May: core, Tests: append([]string{"embed"}, cluster...)},
	{Place: "services/deployment/...", Why: "services talk over Kafka only", May: core, Tests: cluster},
	{Place: "services/infrastructure/...", Why: "services talk over Kafka only",
		May: append([]string{"services/procgroup"}, core...), Tests: cluster},
	{Place: "services/procgroup", Why: "a reaper starts commands it does not know"},
	{Place: "services/container", Why: "an engine is asked by its command line", May: []string{"services/compose", "web/view"}},
	{Place: "services/compose", Why: "a file is read for whoever runs it", May: []string{"web/view"}},
	{Place: "services/process/...", Why: "what runs is not for its supervisor to know",
		May: []string{"services/procgroup", "services/compose", "web/view"}},
	{Place: "services/backing/...", Why: "a server knows nothing of who uses it", Tests: []string{"services/clustertest"}},
	{Place: "services/runner/...", Why: "the user's services meet the stack at its addresses", Tests: cluster,
		May: strings.Fields(`services/compose services/process/... services/procgroup services/backing/... services/container
			web/view web/loopback`)},
	{Place: "services/commandline", Why: "commands are given to who helps with them", May: []string{"web/summary", "web/view"}},
	{Place: "services/terminal", Why: "what is shown is given to who writes it", May: []string{"web/view"}},
	{Place: "services/runner/command", Why: "the commands ask the running stack", Tests: cluster,
		May: strings.Fields(`services/runner/... services/compose services/backing/... services/datadir/... services/replacement web/view
			web/summary services/contract`)},
	{Place: "services/runner/publish", Why: "a process beside the stack is an address",
		May: strings.Fields("services/replacement services/contract web/view")},
	{Place: "services/ingest/...", Why: "services talk over Kafka only", May: core, Tests: cluster},
	{Place: "web/...", Why: "the dashboard reads the parts through functions", May: []string{"services/contract", "services/closeframe"},
		Tests: []string{"broker/...", "gateway/...", "services/..."}},
	{Place: "web/docs", Why: "documentation is given to who shows it", Tests: []string{"embed"}},
	{Place: "web/view", Why: "what parts show stands below all of them"},
	{Place: "web/summary", Why: "what is shown of the stack is given to it", May: []string{"web/view"}},
	{Place: "web/loopback", Why: "what is of this machine needs nobody else"},
	{Place: "web/telemetry", Why: "telemetry does not depend on who sends it", May: []string{"web/loopback"},
		Tests: []string{"gateway/...", "broker/...", "services/...", "web/view"}},
	{Place: "web/traffic", Why: "traffic is read from metrics and spans", May: []string{"web/telemetry", "web/loopback"}},
	{Place: "web/stacktest/...", Why: "it drives a stack from outside",
		May:   []string{"services/contract", "web/summary", "web/view", "web/loopback"},
		Tests: []string{"gateway/...", "services/...", "broker/..."}},
}

// commonLibraries are what every part may import, testLibraries what their tests may.
var (
	commonLibraries = strings.Fields(`github.com/cenkalti/backoff/v5 github.com/danielgtaylor/huma/v2 github.com/dustin/go-humanize
		github.com/gofrs/flock github.com/google/uuid github.com/klauspost/compress github.com/spf13/cobra github.com/spf13/pflag
		go.opentelemetry.io/otel/attribute go.opentelemetry.io/otel/codes go.opentelemetry.io/otel/metric
		go.opentelemetry.io/otel/propagation go.opentelemetry.io/otel/trace golang.org/x/net/http/httpguts golang.org/x/sync
		golang.org/x/sys golang.org/x/time`)
	testLibraries = strings.Fields(`go.opentelemetry.io/otel/sdk go.uber.org/goleak golang.org/x/crypto/bcrypt github.com/gorilla/websocket
		google.golang.org/grpc golang.org/x/net/http2`)
	// what the gateway is made of, and what stores are
	tls = strings.Fields(`github.com/caddyserver/certmagic github.com/mholt/acmez/v3 github.com/quic-go/quic-go
		github.com/fsnotify/fsnotify github.com/traefik/paerser github.com/moby/moby`)
	databases = strings.Fields("github.com/jackc/pgx/v5 modernc.org/sqlite github.com/pressly/goose/v3")
)

// Libraries are what each part imports besides: no Kafka client in the gateway, and no
// library of the gateway in services.
var Libraries = []Part{
	{Place: "broker/...", Own: strings.Fields(`github.com/twmb/franz-go github.com/pierrec/lz4/v4 github.com/theory/jsonpath`),
		Tests: testLibraries, Never: slices.Concat([]string{"github.com/olahol/melody", "github.com/gorilla/websocket"}, tls, databases)},
	{Place: "broker/brokertest", Own: strings.Fields(`github.com/twmb/franz-go`), Tests: testLibraries, Never: tls},
	{Place: "broker/killtest", Own: strings.Fields(`github.com/twmb/franz-go`), Tests: testLibraries, Never: tls},
	{Place: "embed"},
	{Place: "gateway/...", Own: strings.Fields(`github.com/caddyserver/certmagic github.com/mholt/acmez/v3 go.uber.org/zap
		github.com/quic-go/quic-go github.com/fsnotify/fsnotify github.com/traefik/paerser github.com/compose-spec/compose-go/v2
		github.com/moby/moby github.com/containerd/errdefs github.com/pires/go-proxyproto github.com/tg123/go-htpasswd
		github.com/Masterminds/sprig/v3 github.com/andybalholm/brotli github.com/aymanbagabas/go-udiff github.com/pelletier/go-toml/v2
		github.com/mdlayher/netlink github.com/prometheus go.yaml.in/yaml/v4 golang.org/x/net`),
		Tests: append(strings.Fields(`github.com/letsencrypt/pebble/v2 github.com/miekg/dns`), testLibraries...),
		Never: append(strings.Fields(`github.com/twmb/franz-go github.com/olahol/melody`), databases...)},
	{Place: "services/...", Own: strings.Fields(`github.com/twmb/franz-go github.com/go-jose/go-jose/v4 golang.org/x/crypto
		github.com/olahol/melody github.com/gorilla/websocket github.com/felixge/httpsnoop github.com/DeRuina/timberjack
		github.com/santhosh-tekuri/jsonschema/v6 golang.org/x/text github.com/KimMachineGun/automemlimit github.com/jackc/pgx/v5
		github.com/pressly/goose/v3 modernc.org/sqlite go.yaml.in/yaml/v4`),
		Tests: append(strings.Fields(`github.com/compose-spec/compose-go/v2`), testLibraries...), Never: tls},
	{Place: "services/compose", Own: strings.Fields(`github.com/compose-spec/compose-go/v2 github.com/distribution/reference
		github.com/go-viper/mapstructure/v2 github.com/mattn/go-shellwords go.yaml.in/yaml/v4`), Tests: testLibraries},
	{Place: "services/container", Own: strings.Fields("github.com/compose-spec/compose-go/v2"), Tests: testLibraries},
	{Place: "services/process/...", Own: strings.Fields(`github.com/DeRuina/timberjack github.com/bmatcuk/doublestar/v4
		github.com/shirou/gopsutil/v4 github.com/fsnotify/fsnotify github.com/go-git/go-git/v5 github.com/jackc/pgx/v5`), Tests: testLibraries},
	{Place: "services/backing/...", Own: strings.Fields(`github.com/alicebob/miniredis/v2 github.com/mattn/go-shellwords
		github.com/fergusstrange/embedded-postgres github.com/jackc/pgx/v5`),
		Tests: testLibraries},
	{Place: "services/runner/...", Own: strings.Fields(`github.com/compose-spec/compose-go/v2 github.com/gorilla/websocket
		github.com/mattn/go-isatty go.yaml.in/yaml/v4`),
		Tests: append(strings.Fields(`github.com/jackc/pgx/v5`), testLibraries...)},
	{Place: "services/terminal", Own: strings.Fields(`github.com/charmbracelet/x/ansi github.com/mattn/go-colorable
		github.com/mattn/go-isatty go.yaml.in/yaml/v4`), Tests: testLibraries},
	{Place: "web/docs", Own: strings.Fields("github.com/yuin/goldmark")},
	{Place: "web/stacktest/...", Own: strings.Fields(`github.com/twmb/franz-go github.com/chromedp github.com/gorilla/websocket`),
		Tests: append(strings.Fields(`github.com/creack/pty modernc.org/sqlite github.com/jackc/pgx/v5 github.com/compose-spec/compose-go/v2`),
			testLibraries...), Never: tls},
	{Place: "web/...", Own: strings.Fields(`github.com/olahol/melody github.com/gorilla/websocket go.opentelemetry.io google.golang.org/grpc
		google.golang.org/protobuf github.com/prometheus`),
		Tests: append(strings.Fields(`github.com/twmb/franz-go github.com/chromedp`), testLibraries...), Never: slices.Concat(tls, databases)},
	{Place: "", Tests: append(strings.Fields(`github.com/twmb/franz-go`), testLibraries...)},
}
