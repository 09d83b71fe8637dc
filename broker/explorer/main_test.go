package explorer

import (
	"testing"

	"go.uber.org/goleak"

	"axion/services/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCluster reads topics, messages and groups of Apache Kafka.
func TestCluster(t *testing.T) {
	clustertest.RerunOnCluster(t, "^Test(API|Tail|TailFilter|TailErr|TailGrowth|TailUnderLoad|"+
		"Lag|Read|ReadTransactions|ReadBound|Record|GroupDetail|Search)$", 2)
}
