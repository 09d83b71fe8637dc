package signature_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/services/signature"
)

var (
	now   = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	value = []byte(`{"projectId":"p1"}`)
)

func load(t *testing.T, dir string) signature.Key {
	t.Helper()
	key, err := signature.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestVerify(t *testing.T) {
	t.Parallel()
	key, other := load(t, t.TempDir()), load(t, t.TempDir())
	good := key.Sign("PROVISION", value, now.Add(time.Minute))
	for name, tt := range map[string]struct {
		header, typ string
		value       []byte
		at          time.Time
		want        error
	}{
		"OK":         {good, "PROVISION", value, now, nil},
		"OK/second":  {good, "PROVISION", value, now.Add(time.Minute), nil},
		"ErrNone":    {"", "PROVISION", value, now, signature.ErrUnsigned},
		"ErrExpired": {good, "PROVISION", value, now.Add(61 * time.Second), signature.ErrExpired},
		"ErrLonger":  {strings.Replace(good, "expires=1", "expires=2", 1), "PROVISION", value, now, signature.ErrForged},
		"ErrType":    {good, "PROVISION.answer", value, now, signature.ErrForged},
		"ErrValue":   {good, "PROVISION", append([]byte(" "), value...), now, signature.ErrForged},
		"ErrKey":     {other.Sign("PROVISION", value, now.Add(time.Minute)), "PROVISION", value, now, signature.ErrForged},
		"ErrShort":   {good[:len(good)-2], "PROVISION", value, now, signature.ErrForged},
		"ErrEmpty":   {"expires=1764417660,v1=", "PROVISION", value, now, signature.ErrForged},
		"ErrText":    {"please", "PROVISION", value, now, signature.ErrForged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := key.Verify(tt.header, tt.typ, tt.value, tt.at); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	t.Run("ErrNoKey", func(t *testing.T) {
		t.Parallel()
		var none signature.Key
		if err := none.Verify(none.Sign("PROVISION", value, now), "PROVISION", value, now); !errors.Is(err, signature.ErrForged) {
			t.Errorf("got %v", err)
		}
	})
}

// TestSign holds the form to what other languages were given: any HMAC-SHA256 makes it.
func TestSign(t *testing.T) {
	t.Setenv(signature.Variable, strings.Repeat("0b", 32))
	key := load(t, t.TempDir())
	// printf '1764331200\nPROVISION\n{"projectId":"p1"}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0b0b…
	const want = "expires=1764331200,v1=ef10c6c921010ac10f3cbfb4a06a8cc4b2c3c7a901583e039da9d6297ca5edcc"
	if got := key.Sign("PROVISION", value, time.Unix(1764331200, 0)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	t.Setenv(signature.Variable, "0b")
	if _, err := signature.Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), signature.Variable) {
		t.Errorf("a short key: got %v", err)
	}
}

// TestLoad makes one key a directory, however many ask at once, for its owner alone.
func TestLoad(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	keys := make([]string, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			if key, err := signature.Load(dir); err == nil {
				keys[i] = key.String()
			}
		})
	}
	all.Wait()
	for _, key := range keys {
		if key != keys[0] || len(key) != 64 {
			t.Errorf("got %q and %q", keys[0], key)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	name := filepath.Join(dir, "signing.key")
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	_, err = signature.Load(dir)
	var hinter interface{ Hint() string }
	if err == nil || !errors.As(err, &hinter) || !strings.HasPrefix(hinter.Hint(), "chmod 600 ") {
		t.Errorf("a key that others may read: got %v", err)
	}
}
