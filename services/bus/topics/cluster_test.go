package topics

import (
	"testing"

	"axion/services/clustertest"
)

// TestCluster runs this package's tests on Apache Kafka and PostgreSQL too.
func TestCluster(t *testing.T) { clustertest.RerunOnCluster(t, "^Test", 3) }
