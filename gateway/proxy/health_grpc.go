package proxy

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// modeGRPC asks a server by gRPC's health checking protocol.
const modeGRPC = "grpc"

// serving is a HealthCheckResponse whose status is SERVING.
var serving = []byte{0x08, 0x01}

// probeGRPC makes the one call grpc.health.v1.Health/Check, for the server as a whole:
// https://github.com/grpc/grpc/blob/master/doc/health-checking.md. It is small enough
// not to need gRPC's library.
func (k *check) probeGRPC(ctx context.Context, target *url.URL) error {
	target.Path, target.RawPath, target.RawQuery = "/grpc.health.v1.Health/Check", "", ""
	if target.Scheme == "http" {
		target.Scheme = schemeH2C
	}
	empty := make([]byte, 5) // a message without compression, of no bytes
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(empty))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	k.dress(req)
	resp, err := k.do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDrain))
	_ = resp.Body.Close()
	if err != nil {
		return err
	}
	status := resp.Trailer.Get("Grpc-Status")
	if status == "" {
		status = resp.Header.Get("Grpc-Status") // an answer without a message
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("health check answered %s", resp.Status)
	case status == "12":
		return errors.New("the server does not implement grpc.health.v1.Health")
	case status != "0":
		return fmt.Errorf("health check ended with gRPC status %q", status)
	case len(body) < 5 || int(binary.BigEndian.Uint32(body[1:5])) != len(body)-5 || !bytes.Equal(body[5:], serving):
		return errors.New("the server is not serving")
	}
	return nil
}
