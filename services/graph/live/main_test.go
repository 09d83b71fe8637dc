package live

import (
	"testing"

	"go.uber.org/goleak"

	"axion/services/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCluster runs this package's tests on Apache Kafka and PostgreSQL too.
func TestCluster(t *testing.T) { clustertest.RerunOnCluster(t, "^Test", 1) }
