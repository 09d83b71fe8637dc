// Command httpclient is what containers of tests run: it prints what a URL answers. A second
// argument is the host that is asked for there.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	request, err := http.NewRequest(http.MethodGet, args[0], http.NoBody)
	if err != nil {
		return err
	}
	if len(args) > 1 {
		request.Host = args[1]
	}
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Status, body)
	}
	fmt.Printf("%s answers %s\n", args[0], body)
	return answer.Body.Close()
}
