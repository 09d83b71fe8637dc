package trust

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// answerTime bounds one request to the stack.
	answerTime = 5 * time.Second
	maxURLs    = 64
)

// checkStack opens each URL of the stack as a client does that trusts the root
// and nothing else.
func checkStack(ctx context.Context, r *root, s Stack, idle error) []Check {
	if idle != nil {
		return []Check{{Name: "stack", State: note, Detail: "none runs here: " + idle.Error()}}
	}
	pool := x509.NewCertPool()
	pool.AddCert(r.cert)
	client := &http.Client{
		Timeout:       answerTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: dialLocal, TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true,
			ForceAttemptHTTP2: true},
	}
	urls := s.URLs[:min(len(s.URLs), maxURLs)]
	checks := make([]Check, len(urls))
	var wg sync.WaitGroup
	for i, u := range urls {
		wg.Go(func() { checks[i] = checkURL(ctx, client, u) })
	}
	wg.Wait()
	return checks
}

func checkURL(ctx context.Context, client *http.Client, address string) Check {
	c := Check{Name: "stack", State: fine}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		c.State, c.Detail = failed, err.Error()
		return c
	}
	res, err := client.Do(req)
	if err != nil {
		c.State, c.Detail, c.Fix = failed, address+" does not answer: "+reason(err), "see its log, and axion routes"
		return c
	}
	_ = res.Body.Close()
	c.Detail = fmt.Sprintf("%s answers %s", address, res.Status)
	if res.TLS != nil {
		c.Detail += " over " + tls.VersionName(res.TLS.Version)
	}
	if res.StatusCode >= http.StatusInternalServerError {
		c.State, c.Fix = warning, "see what its service says: axion explain "+shell(address)
	}
	return c
}

// reason is an error of a request without its URL.
func reason(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// dialLocal finds localhost names on this machine, as browsers do.
func dialLocal(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	if host != "localhost" && !strings.HasSuffix(host, ".localhost") {
		return d.DialContext(ctx, network, address)
	}
	c, err := d.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	if err == nil {
		return c, nil
	}
	if six, other := d.DialContext(ctx, network, net.JoinHostPort("::1", port)); other == nil {
		return six, nil
	}
	return nil, err
}
