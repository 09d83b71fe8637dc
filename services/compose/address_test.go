package compose

import (
	"maps"
	"strings"
	"testing"
)

func teaAddresses() *Addresses {
	a := &Addresses{}
	a.Add("kafka", []string{"broker", "kafka-1"}, 0, "localhost:9192")
	a.Add("postgres-orders", []string{"db.internal"}, 5432, "127.0.0.1:40001")
	a.Add("cache", nil, 6379, "127.0.0.1:6380")
	a.Add("orders", nil, 3000, "127.0.0.1:3000")
	a.Add("orders", nil, 0, "127.0.0.1:3000")
	a.Add("catalog", nil, 3000, "127.0.0.1:40002")
	a.Add("catalog", nil, 80, "127.0.0.1:40003")
	return a
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"kafka:9092":                           "localhost:9192",
		"Kafka:29092":                          "localhost:9192",
		"kafka:9092,broker:9092, kafka-1:9092": "localhost:9192,localhost:9192, localhost:9192",
		"PLAINTEXT://kafka:9092":               "PLAINTEXT://localhost:9192",
		"postgres://tea:leaves@postgres-orders:5432/orders":           "postgres://tea:leaves@127.0.0.1:40001/orders",
		"postgres://postgres-orders:5432@postgres-orders:5432/orders": "postgres://postgres-orders:5432@127.0.0.1:40001/orders",
		"postgresql://postgres-orders/orders?sslmode=disable":         "postgresql://127.0.0.1:40001/orders?sslmode=disable",
		"postgresql+asyncpg://u:p@postgres-orders/orders":             "postgresql+asyncpg://u:p@127.0.0.1:40001/orders",
		"jdbc:postgresql://postgres-orders:5432/orders":               "jdbc:postgresql://127.0.0.1:40001/orders",
		"postgres://u@db.internal:5432,other:5432/x":                  "postgres://u@127.0.0.1:40001,other:5432/x",
		"redis://:steep@cache:6379/0":                                 "redis://:steep@127.0.0.1:6380/0",
		"redis://cache":                                               "redis://127.0.0.1:6380",
		"tcp(cache:6379)":                                             "tcp(127.0.0.1:6380)",
		"http://catalog:3000/a/orders":                                "http://127.0.0.1:40002/a/orders",
		"http://catalog/":                                             "http://127.0.0.1:40003/",
		"http://orders":                                               "http://127.0.0.1:3000",
		"a=http://orders:3000,b=http://catalog:3000":                  "a=http://127.0.0.1:3000,b=http://127.0.0.1:40002",
		"host=postgres-orders user=tea dbname=orders":                 "host=127.0.0.1 port=40001 user=tea dbname=orders",
		"host=postgres-orders port=5432 user=tea":                     "host=127.0.0.1 port=40001 user=tea",
		"Port=5432;Host=postgres-orders;Database=x":                   "Port=40001;Host=127.0.0.1;Database=x",
		"Server=postgres-orders;Database=x":                           "Server=127.0.0.1;port=40001;Database=x",
		`{"url":"http://catalog:3000"}`:                               `{"url":"http://127.0.0.1:40002"}`,
		"orders":                                                      "orders",
		"catalog:latest":                                              "catalog:latest",
		"catalog:3001":                                                "catalog:3001", // nobody said that it listens there
		"my-kafka:9092":                                               "my-kafka:9092",
		"kafka.example.com:9092":                                      "kafka.example.com:9092",
		"http://example.com/catalog:3000":                             "http://example.com/catalog:3000",
		"orders@example.com":                                          "orders@example.com",
	} {
		out, changed, _ := teaAddresses().RewriteAll(map[string]string{"A": from}, nil)
		if out["A"] != want {
			t.Errorf("%s\n got %s\nwant %s", from, out["A"], want)
		}
		if (len(changed) > 0) != (from != want) {
			t.Errorf("%s: got the rewritings %+v", from, changed)
		}
	}
}

func TestRewritePairs(t *testing.T) {
	t.Parallel()
	environment := map[string]string{
		"DB_HOST": "postgres-orders", "DB_PORT": "5432", "DB_NAME": "orders", "PGHOST": "postgres-orders", "PGPORT": "5432",
		"CACHE_HOSTNAME": "cache", "ORDERS_HOST": "orders", "ORDERS_PORT": "3000", "KEEP_HOST": "cache", "KEEP_PORT": "6379",
		"OTEL_SERVICE_NAME": "orders", "KEPT": "cache:6379",
	}
	before := maps.Clone(environment)
	out, changed, unresolved := teaAddresses().RewriteAll(environment, []string{"KEEP_HOST", "KEPT"})
	want := maps.Clone(environment)
	maps.Copy(want, map[string]string{
		"DB_HOST": "127.0.0.1", "DB_PORT": "40001", "PGHOST": "127.0.0.1", "PGPORT": "40001", "ORDERS_HOST": "127.0.0.1",
	})
	if !maps.Equal(out, want) {
		t.Errorf("got %v\nwant %v", out, want)
	}
	if !maps.Equal(environment, before) {
		t.Error("the environment that was given is changed")
	}
	if len(changed) != 5 {
		t.Errorf("got %+v", changed)
	}
	if len(unresolved) != 1 || unresolved[0] != (Unresolved{"CACHE_HOSTNAME", "cache"}) {
		t.Errorf("got unresolved %+v", unresolved)
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add("postgres://tea:leaves@postgres-orders:5432/orders")
	f.Add("host=postgres-orders port=5432")
	f.Fuzz(func(t *testing.T, text string) {
		out, changed, _ := teaAddresses().RewriteAll(map[string]string{"A": text}, nil)
		if (out["A"] != text) != (len(changed) > 0) {
			t.Errorf("%q became %q, and the rewritings are %+v", text, out["A"], changed)
		}
		for _, name := range []string{"kafka", "broker", "postgres-orders", "cache", "orders", "catalog", "db.internal"} {
			if strings.Contains(strings.ToLower(text), name) {
				return
			}
		}
		if out["A"] != text {
			t.Errorf("%q names no service and became %q", text, out["A"])
		}
	})
}
