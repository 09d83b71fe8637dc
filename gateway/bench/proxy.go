package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// benchHost is the host that every proxy routes to the backend.
const benchHost = "bench.localhost"

// proxy is one under measurement.
type proxy struct {
	name          string
	plain, secure string // addresses
	pid           int
	stop          func()
	// launch starts it, or gives errNotFound. Certificates lie in certs.
	launch func(ctx context.Context, dir, certs, backend string) error
}

func (p *proxy) pids() []int { return family(p.pid) }

// candidates are all that can be measured, ours first.
func candidates() []*proxy {
	axion := &proxy{name: ours}
	axion.launch = func(ctx context.Context, dir, _, backend string) error {
		return launchOurs(ctx, axion, dir, service("bench", "Host(`"+benchHost+"`)", backend))
	}
	list := []*proxy{axion}
	for _, k := range peers() {
		p := &proxy{name: k.name}
		p.launch = func(ctx context.Context, dir, certs, backend string) error {
			return k.start(ctx, p, dir, certs, backend)
		}
		list = append(list, p)
	}
	return list
}

// peer is how to run somebody else's proxy.
type peer struct {
	name  string
	files map[string]string // configuration, with @PLAIN@, @SECURE@, @BACKEND@, @CERTS@ and @DIR@
	args  []string
}

func peers() []peer {
	return []peer{
		{"nginx", map[string]string{"nginx.conf": nginxConf}, []string{"-p", "@DIR@", "-c", "nginx.conf", "-e", "stderr"}},
		{"haproxy", map[string]string{"haproxy.cfg": haproxyConf}, []string{"-db", "-f", "@DIR@/haproxy.cfg"}},
		{"caddy", map[string]string{"Caddyfile": caddyConf}, []string{"run", "--config", "@DIR@/Caddyfile", "--adapter", "caddyfile"}},
		{"traefik", map[string]string{"traefik.yaml": traefikStatic, "dynamic.yaml": traefikDynamic},
			[]string{"--configFile=@DIR@/traefik.yaml"}},
	}
}

func (k peer) start(ctx context.Context, p *proxy, dir, certs, backend string) (err error) {
	program, err := exec.LookPath(k.name)
	if err != nil {
		return errNotFound
	}
	if p.plain, err = freePort(); err != nil {
		return err
	}
	if p.secure, err = freePort(); err != nil {
		return err
	}
	fill := strings.NewReplacer("@PLAIN@", p.plain, "@SECURE@", p.secure, "@PLAINPORT@", port(p.plain), "@SECUREPORT@", port(p.secure),
		"@BACKEND@", backend, "@CERTS@", certs, "@DIR@", dir)
	for name, text := range k.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(fill.Replace(text)), 0o600); err != nil {
			return err
		}
	}
	var args []string
	for _, a := range k.args {
		args = append(args, fill.Replace(a))
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, dir
	if err := cmd.Start(); err != nil {
		return err
	}
	p.pid = cmd.Process.Pid
	p.stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		defer time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() }).Stop()
		_ = cmd.Wait()
	}
	if err := p.await(ctx); err != nil {
		p.stop()
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w; it says: %s", err, text)
	}
	return nil
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// await returns once the proxy accepts connections.
func (p *proxy) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.secure)
		if err == nil {
			return c.Close()
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("it does not listen: %w", err)
		}
	}
}

const nginxConf = `
worker_processes auto; daemon off; pid nginx.pid;
events { worker_connections 16384; }
http {
  access_log off; server_tokens off; client_max_body_size 0; client_body_buffer_size 1m; proxy_max_temp_file_size 0;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_requests 100000000;
  map $http_upgrade $upgrading { default upgrade; '' ''; }
  upstream backend { server @BACKEND@; keepalive 256; keepalive_requests 100000000; }
  server {
    listen @PLAIN@; listen @SECURE@ ssl http2; server_name bench.localhost;
    ssl_certificate @CERTS@/cert.pem; ssl_certificate_key @CERTS@/key.pem;
    location / {
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection $upgrading;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`

const haproxyConf = `
global
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
frontend plain
  bind @PLAIN@
  default_backend b
frontend secure
  bind @SECURE@ ssl crt @CERTS@/both.pem alpn h2,http/1.1
  default_backend b
backend b
  http-reuse always
  server s @BACKEND@
`

const caddyConf = `
{
  admin off
  auto_https off
}
http://bench.localhost:@PLAINPORT@ {
  bind 127.0.0.1
  reverse_proxy @BACKEND@
}
https://bench.localhost:@SECUREPORT@ {
  bind 127.0.0.1
  tls @CERTS@/cert.pem @CERTS@/key.pem
  reverse_proxy @BACKEND@
}
`

const traefikStatic = `
entryPoints:
  web:
    address: "@PLAIN@"
  websecure:
    address: "@SECURE@"
providers:
  file:
    filename: "@DIR@/dynamic.yaml"
metrics:
  prometheus: {}
`

const traefikDynamic = "http:\n  routers:\n    plain: {entryPoints: [web], rule: \"Host(`bench.localhost`)\", service: s}\n" +
	"    secure: {entryPoints: [websecure], rule: \"Host(`bench.localhost`)\", service: s, tls: {}}\n" +
	"  services:\n    s: {loadBalancer: {servers: [{url: \"http://@BACKEND@\"}]}}\n" +
	"tls:\n  certificates:\n    - {certFile: @CERTS@/cert.pem, keyFile: @CERTS@/key.pem}\n"
