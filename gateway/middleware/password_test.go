package middleware_test

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

// TestLongPassword is of passwords whose hash would take minutes for some forms.
func TestLongPassword(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]int{4 << 10: http.StatusOK, 4<<10 + 1: http.StatusUnauthorized, 512 << 10: http.StatusUnauthorized} {
		password := strings.Repeat("x", length)
		sum := sha1.Sum([]byte(password))
		line := "ann:{SHA}" + base64.StdEncoding.EncodeToString(sum[:])
		h := build(t, config.Middleware{BasicAuth: &config.BasicAuth{Users: []string{line}}}, func(http.ResponseWriter, *http.Request) {})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth("ann", password)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%d bytes: got %d, want %d", length, w.Code, want)
		}
	}
}

// TestManyPasswords is of passwords for whose comparison there is no room now.
func TestManyPasswords(t *testing.T) {
	t.Parallel()
	h := build(t, config.Middleware{BasicAuth: &config.BasicAuth{Users: []string{md5Line}}}, func(http.ResponseWriter, *http.Request) {})
	ask := func(ctx context.Context) int {
		r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
		r.SetBasicAuth("mel", "secret")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	release := middleware.FillHashing()
	gone, leave := context.WithCancel(t.Context())
	leave()
	if got := ask(gone); got != http.StatusUnauthorized {
		t.Errorf("a client that left while others are compared: got %d, want 401", got)
	}
	waited := make(chan int)
	go func() { waited <- ask(t.Context()) }()
	release()
	if got := <-waited; got != http.StatusOK {
		t.Errorf("a client that waited: got %d, want 200", got)
	}
}
