package advertise

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// maxHost bounds a host name, as DNS does.
const maxHost = 253

// Error says why a text is no address that clients can be sent.
type Error struct {
	Text   string
	Reason string
	fix    string
}

// Error names the text and the reason.
func (e *Error) Error() string { return fmt.Sprintf("%q: %s", e.Text, e.Reason) }

// Hint is the hint shown with the error.
func (e *Error) Hint() string { return e.fix }

const example = "give the host and port that clients reach the broker by, such as kafka.example.com:9092"

// Parse reads "host:port", an IPv6 address in brackets. The error is an [*Error].
func Parse(text string) (Endpoint, error) {
	refuse := func(fix, format string, args ...any) (Endpoint, error) {
		return Endpoint{}, &Error{Text: text, Reason: fmt.Sprintf(format, args...), fix: fix}
	}
	if strings.TrimSpace(text) == "" {
		return refuse(example+"; is it a variable that is not set?", "no address")
	}
	if _, rest, ok := strings.Cut(text, "://"); ok {
		return refuse("leave the scheme out: "+rest, "an address has no scheme")
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return refuse(example, "must be host:port")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return refuse(example, "port %q is not a number from 0 to 65535", port)
	}
	if host == "" {
		return refuse(example, "no host")
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.IsUnspecified() {
			return refuse(example, "clients cannot connect to %s: it means every address of a machine", host)
		}
		return Endpoint{ip.Unmap().String(), uint16(n)}, nil
	}
	if reason := checkHost(host); reason != "" {
		return refuse(example, "host %q %s", host, reason)
	}
	return Endpoint{host, uint16(n)}, nil
}

// checkHost says what is wrong with a host name; "" where nothing is. An underscore
// is allowed: names of containers have them.
func checkHost(host string) string {
	if len(host) > maxHost {
		return fmt.Sprintf("is longer than %d", maxHost)
	}
	for _, part := range strings.Split(strings.TrimSuffix(host, "."), ".") {
		switch {
		case part == "":
			return "has an empty part"
		case len(part) > 63:
			return "has a part longer than 63"
		case part[0] == '-' || part[len(part)-1] == '-':
			return "has a part that begins or ends with a hyphen"
		}
	}
	bad := strings.IndexFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	})
	if bad >= 0 {
		return "may hold letters, digits, dots, hyphens and underscores only"
	}
	if last := host[strings.LastIndexByte(host, '.')+1:]; strings.Trim(last, "0123456789") == "" && last != "" {
		return "is not an IPv4 address, and no name ends in a number"
	}
	return ""
}
