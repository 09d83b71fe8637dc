// Package signature signs the messages that have a stack run a command: only who may
// read the stack's key can write them, not whoever reaches its Kafka.
//
// The signature is a header of the message, so that a peer in any language can make it of
// the very bytes that it sends:
//
//	axion_signature: expires=1764367200,v1=<hexadecimal HMAC-SHA256>
//
// The key of the HMAC (RFC 2104) is the stack's, and its text is the expiry, the message's
// type and its value, with a line feed after the first two: "1764367200\nPROVISION\n{…}".
package signature

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	// Header is the message header that holds the signature.
	Header = "axion_signature"
	// Variable is the environment variable that holds the key for processes which do not
	// share the stack's data directory: 64 hexadecimal digits.
	Variable = "AXION_SIGNING_KEY"
	// Answer is what follows the type of a request in the type of its answer.
	Answer = ".answer"

	fileName = "signing.key"
	keySize  = 32 // bytes
)

// Key signs and verifies. Its zero value does neither: use [Load]. It is safe for
// concurrent use.
type Key struct{ secret []byte }

// Load reads the key from the variable [Variable], or else from the data directory dir,
// where it is made if it is not there: a file that its owner alone may read.
func Load(dir string) (Key, error) {
	if text := os.Getenv(Variable); text != "" {
		return parse(text, Variable)
	}
	name := filepath.Join(dir, fileName)
	key, err := read(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = create(dir, name); err == nil {
			key, err = read(name)
		}
	}
	if err != nil {
		return Key{}, fmt.Errorf("signing key: %w", err)
	}
	return key, nil
}

func read(name string) (Key, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Key{}, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return Key{}, &keyError{fmt.Sprintf("%s may be read by others: its mode is %#o", name, info.Mode().Perm()), "chmod 600 " + name}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return Key{}, err
	}
	return parse(strings.TrimSpace(string(text)), name)
}

// create makes the key where nobody else has made one meanwhile.
func create(dir, name string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	secret := make([]byte, keySize)
	_, _ = rand.Read(secret)                    // it never fails
	tmp, err := os.CreateTemp(dir, ".signing-") // for its owner alone
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(hex.EncodeToString(secret) + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err = os.Link(tmp.Name(), name); errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func parse(text, where string) (Key, error) {
	secret, err := hex.DecodeString(text)
	if err != nil || len(secret) != keySize {
		return Key{}, &keyError{where + " does not hold a key: 64 hexadecimal digits",
			"remove it, and the next start makes another; every process that signs or verifies needs the same"}
	}
	return Key{secret}, nil
}

// keyError says what is wrong with a key.
type keyError struct{ text, hint string }

func (e *keyError) Error() string { return e.text }

// Hint is the hint shown with the error.
func (e *keyError) Hint() string { return e.hint }

// String gives the key in the form of [Variable]. It is a secret.
func (k Key) String() string { return hex.EncodeToString(k.secret) }

// Sign is the value of [Header] for a message of a type, until it expires, to the second.
func (k Key) Sign(typ string, value []byte, expires time.Time) string {
	at := expires.Unix()
	return fmt.Sprintf("expires=%d,v1=%x", at, k.sum(typ, value, at))
}

func (k Key) sum(typ string, value []byte, expires int64) []byte {
	mac := hmac.New(sha256.New, k.secret)
	fmt.Fprintf(mac, "%d\n%s\n", expires, typ)
	mac.Write(value)
	return mac.Sum(nil)
}

// Errors of [Key.Verify].
var (
	ErrUnsigned = errors.New("it is not signed")
	ErrForged   = errors.New("its signature does not fit: it was made with another key, or for another message")
	ErrExpired  = errors.New("its signature has expired")
)

// Verify reports what is wrong with the signature in a header of a message, as it stands
// at now: [ErrUnsigned], [ErrForged] or [ErrExpired].
func (k Key) Verify(header, typ string, value []byte, now time.Time) error {
	if header == "" {
		return ErrUnsigned
	}
	first, second, _ := strings.Cut(header, ",")
	text, isExpiry := strings.CutPrefix(first, "expires=")
	expires, err := strconv.ParseInt(text, 10, 64)
	digits, isSum := strings.CutPrefix(second, "v1=")
	sum, wrong := hex.DecodeString(digits)
	switch {
	case !isExpiry || !isSum || err != nil || wrong != nil, len(k.secret) == 0, !hmac.Equal(sum, k.sum(typ, value, expires)):
		return ErrForged
	case now.Unix() > expires:
		return ErrExpired
	}
	return nil
}
