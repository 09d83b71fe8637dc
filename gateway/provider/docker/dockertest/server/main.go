// Command server is what the containers of tests run: it says its name at the
// address LISTEN, and is healthy once it has been asked to be.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

// mark is the file whose presence means healthy.
const mark = "/healthy"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "check" {
		if _, err := os.Stat(mark); err != nil {
			os.Exit(1)
		}
		return
	}
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getenv("NAME")) })
	http.HandleFunc("PUT /healthy", func(w http.ResponseWriter, _ *http.Request) { answer(w, os.WriteFile(mark, nil, 0o600)) })
	http.HandleFunc("DELETE /healthy", func(w http.ResponseWriter, _ *http.Request) { answer(w, os.Remove(mark)) })
	server := &http.Server{Addr: os.Getenv("LISTEN"), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
