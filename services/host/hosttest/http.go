package hosttest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"axion/services/host"
)

// Reply is an HTTP answer, read.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends one request. Each header is a "Name: value" line, and stands as often
// as it is given; a body that starts as a JSON object or array does is sent as
// such unless they say otherwise.
func Do(t testing.TB, method, url, body string, header ...string) Reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	if body != "" && strings.ContainsRune("{[", rune(body[0])) && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := (&http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Reply{Status: res.StatusCode, Header: res.Header, Body: string(text)}
}

// As is the header line that bears a token.
func As(token string) string { return "Authorization: Bearer " + token }

// Decode reads a JSON body, and fails the test unless the status is want.
func Decode[T any](t testing.TB, r Reply, want int) (v T) {
	t.Helper()
	if r.Status != want {
		t.Fatalf("status: got %d, want %d: %s", r.Status, want, r.Body)
	}
	if err := json.Unmarshal([]byte(r.Body), &v); err != nil {
		t.Fatalf("body %q: %v", r.Body, err)
	}
	return v
}

// WantProblem fails the test unless r is a problem of that status whose field
// errors are at exactly these places: JSON Pointers, or names of parameters.
func WantProblem(t testing.TB, r Reply, status int, places ...string) host.Problem {
	t.Helper()
	p := Decode[host.Problem](t, r, status)
	if got, want := r.Header.Get("Content-Type"), "application/problem+json"; got != want {
		t.Errorf("content type: got %q, want %q", got, want)
	}
	if p.Status != status || p.Title != http.StatusText(status) {
		t.Errorf("got status %d and title %q in %s", p.Status, p.Title, r.Body)
	}
	var got []string
	for _, e := range p.Errors {
		got = append(got, e.Pointer+e.Parameter)
	}
	if slices.Sort(got); !slices.Equal(got, places) {
		t.Errorf("places: got %q, want %q: %s", got, places, r.Body)
	}
	return p
}
