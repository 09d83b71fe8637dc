package cert

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/certmagic"

	"axion/gateway/regular"
)

// discardDamaged removes what certmagic has stored below dir and could not read: it
// would fail for ever at a damaged account or certificate, but makes anew what is not
// there.
func discardDamaged(dir string, log *slog.Logger) {
	var damaged []string // directories of one account or certificate each
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		at := filepath.Dir(path)
		if err != nil || e.IsDir() || slices.Contains(damaged, at) {
			return nil
		}
		if err := checkStored(path); err != nil {
			what := "a stored certificate is damaged: it is issued again"
			if strings.Contains(at, string(filepath.Separator)+"users"+string(filepath.Separator)) {
				what = "a stored ACME account is damaged: a new one is made"
			}
			log.Warn(what, "file", path, "error", err)
			damaged = append(damaged, at)
		}
		return nil
	})
	for _, at := range damaged {
		if err := os.RemoveAll(at); err != nil {
			log.Error("damaged files cannot be removed", "directory", at, "error", err)
		}
	}
}

// checkStored looks at one file of certmagic's: an account's key or registration, a
// certificate with the key beside it, or what is reported of it.
func checkStored(path string) error {
	kind := filepath.Ext(path)
	if !slices.Contains([]string{".crt", ".key", ".json"}, kind) {
		return nil
	}
	data, err := regular.Read(path, maxStored)
	switch {
	case err != nil:
		return err
	case kind == ".json":
		if !json.Valid(data) || !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
			return errors.New("it is not a JSON object")
		}
		return nil
	case kind == ".key":
		_, err := certmagic.PEMDecodePrivateKey(data)
		return err
	}
	key, err := regular.Read(strings.TrimSuffix(path, kind)+".key", maxStored)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // certmagic goes by what is missing
	}
	if err == nil {
		_, err = tls.X509KeyPair(data, key)
	}
	return err
}
