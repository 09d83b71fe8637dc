package view

import (
	"encoding/json"
	"testing"
	"time"
)

// TestJSON holds what the page and other clients read to its bytes.
func TestJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 12, 0, 0, 5000, time.UTC)
	size, partition := int64(9), int32(0)
	for want, v := range map[string]any{
		`{"name":"axion","version":"1","readyMs":142,"addresses":{},"parts":null}`: System{Name: "axion", Version: "1", ReadyMS: 142},
		`{"http":"a","https":"b","kafka":"c","kafka_listeners":["d"],"dashboard":"e","otlp_http":"f","otlp_grpc":"g","ca":"h"}`: Addresses{
			HTTP: "a", HTTPS: "b", Kafka: "c", KafkaListeners: []string{"d"}, Dashboard: "e", OTLPHTTP: "f", OTLPGRPC: "g", CA: "h"},
		`{"kind":"disk-low","message":"m","at":"2026-01-31T12:00:00.000005Z"}`: BrokerProblem{Kind: "disk-low", Message: "m", At: at},
		`{"name":"broker","kind":"broker","state":"healthy"}`:                  Part{Name: "broker", Kind: KindBroker, State: StateHealthy},
		`{"name":"graph-service","kind":"service","state":"unhealthy","detail":"d","problems":[{"message":"m","where":"w","hint":"h"}],` +
			`"address":"a","url":"u","version":"v","port":3001,"yours":true,"instances":[{"address":"a","startedAt":"2026-01-31T12:00:00.000005Z",` +
			`"moved":true,"depends":[{"name":"SQLite","state":"healthy"}]}],"consumes":["c"],"produces":["p"]}`: Part{
			Name: "graph-service", Kind: KindService, State: StateUnhealthy, Detail: "d",
			Problems: []PartProblem{{Message: "m", Where: "w", Hint: "h"}},
			Address:  "a", URL: "u", Version: "v", Port: 3001, External: true, Consumes: []string{"c"}, Produces: []string{"p"},
			Instances: []Instance{{Address: "a", StartedAt: at, PortChanged: true, Depends: []Dependency{{Name: "SQLite", State: StateHealthy}}}}},
		`{"name":"r","rule":"Host","priority":4,"entryPoints":["web"],"tls":true,"middlewares":["m"],"service":"s",` +
			`"servers":[{"url":"u","status":"UP","checked":false}],"status":"enabled","errors":[],"faults":["drop"],` +
			`"origin":{"file":"f","line":3,"service":"c"}}`: Route{
			Name: "r", Rule: "Host", Priority: 4, EntryPoints: []string{"web"}, TLS: true, Middlewares: []string{"m"}, Service: "s",
			Servers: []RouteServer{{URL: "u", Status: ServerUp}}, Status: RouteEnabled, Errors: []string{}, Faults: []string{"drop"},
			Origin: Origin{File: "f", Line: 3, Service: "c", Builtin: true}},
		`{"severity":"error","message":"m"}`: Problem{Severity: SeverityError, Message: "m"},
		`{"severity":"notice","file":"f","line":1,"service":"s","label":"l","message":"m","hint":"h"}`: Problem{
			Severity: SeverityNotice, File: "f", Line: 1, Service: "s", Label: "l", Message: "m", Hint: "h"},
		`{"name":"t","messages":2,"partitions":[{"id":0,"start":1,"end":3}],"internal":true,"bytes":9,"keeps":"7 d","rate":0.5,` +
			`"groups":[{"name":"g","lag":1}]}`: Topic{
			Name: "t", Messages: 2, Partitions: []Partition{{Start: 1, End: 3}}, Internal: true, Bytes: &size, Keeps: "7 d", Rate: 0.5,
			Groups: []TopicGroup{{Name: "g", Lag: 1}}},
		`{"items":[{"topic":"t","partition":1,"offset":2,"time":"2026-01-31T12:00:00.000005Z","key":"k","text":"x"}],"searched":3,"cut":true}`: Matches{
			Items: []Match{{Topic: "t", Partition: 1, Offset: 2, Time: at, Key: "k", Text: "x"}}, Searched: 3, Cut: true},
		`{"kind":"topic-error","target":"t","partition":0,"percent":5,"delayMs":1,"jitterMs":2,"status":503,"code":"c","seconds":6}`: FaultSpec{
			Kind: FaultTopicError, Target: "t", Partition: &partition, Percent: 5, DelayMS: 1, JitterMS: 2, Status: 503, Code: "c", Seconds: 6},
	} {
		if got, err := json.Marshal(v); err != nil || string(got) != want {
			t.Errorf("got  %s (%v)\nwant %s", got, err, want)
		}
	}
}
