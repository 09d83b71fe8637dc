// Command web serves the shop's page, which shows what the other services say.
package main

import (
	"cmp"
	_ "embed"
	"log"
	"net/http"
	"os"
)

//go:embed index.html
var page []byte

func main() {
	port := cmp.Or(os.Getenv("PORT"), "5173")
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})
	log.Print("web listens on ", port)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
