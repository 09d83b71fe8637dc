package infrastructure_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"time"
)

// child is what the test binary does as a project's process.
func child(args []string) {
	switch args[0] {
	case "crash":
		fmt.Println("boom", strings.Join(args[1:], " "))
		os.Exit(3)
	case "write":
		if err := os.WriteFile(args[1], []byte(args[2]), 0o600); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case "hang":
		fmt.Println("hanging")
		signal.Ignore(os.Interrupt)
		time.Sleep(time.Hour) // select {} is a deadlock on Windows
	case "serve":
		serve()
	}
}

// serve answers with its process id, and does as it is asked.
func serve() {
	var unhealthy atomic.Bool
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if unhealthy.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, os.Getpid()) })
	http.HandleFunc("/unhealthy", func(http.ResponseWriter, *http.Request) { unhealthy.Store(true) })
	http.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { fmt.Println("asked to exit"); os.Exit(1) })
	http.HandleFunc("/environment", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, strings.Join(os.Environ(), "\n")) })
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "made.txt") })
	http.HandleFunc("/spawn", func(w http.ResponseWriter, _ *http.Request) {
		cmd := exec.Command(os.Args[0], "child", "hang")
		if err := cmd.Start(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprint(w, cmd.Process.Pid)
	})
	fmt.Println("listening")
	err := http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil)
	fmt.Println(err)
	os.Exit(1)
}
