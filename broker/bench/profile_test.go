package bench

import (
	"os"
	"runtime/pprof"
)

func profile() func() {
	path := os.Getenv("AXION_BENCH_PROFILE")
	if path == "" {
		return func() {}
	}
	f, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		panic(err)
	}
	return pprof.StopCPUProfile
}
