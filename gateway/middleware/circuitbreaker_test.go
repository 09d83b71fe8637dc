package middleware_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"axion/gateway/config"
)

// service is one whose answers the test decides.
type service struct {
	status int
	takes  time.Duration
	calls  int
}

func (s *service) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.calls++
	time.Sleep(s.takes) // of a bubble's clock
	w.WriteHeader(s.status)
}

// bubble runs f with a breaker of that configuration around a service.
func bubble(t *testing.T, c config.CircuitBreaker, f func(t *testing.T, h http.Handler, s *service)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &service{status: 200}
		f(t, build(t, config.Middleware{CircuitBreaker: &c}, s.ServeHTTP), s)
	})
}

// times sends n requests, 200ms apart, and counts the answers by status.
func times(n int, h http.Handler) map[int]int {
	got := make(map[int]int)
	for range n {
		got[send(h, "GET", "/").Code]++
		time.Sleep(200 * time.Millisecond)
	}
	return got
}

func TestCircuitBreaker(t *testing.T) {
	t.Parallel()
	t.Run("OK/OpensRecoversCloses", func(t *testing.T) {
		bubble(t, config.CircuitBreaker{Expression: "NetworkErrorRatio() > 0.5"}, func(t *testing.T, h http.Handler, s *service) {
			if got := times(5, h); got[200] != 5 {
				t.Errorf("closed: got %v, want 5 of 200", got)
			}
			s.status = 502
			if got := times(10, h); got[502] != 6 || got[503] != 4 { // 6 of 11 is more than half
				t.Errorf("failing: got %v, want 6 of 502, then 503", got)
			}
			s.status, s.calls = 200, 0
			w := send(h, "GET", "/")
			if w.Code != 503 || w.Body.String() != "Service Unavailable" || s.calls != 0 {
				t.Errorf("open: got %d %q, %d calls", w.Code, w.Body, s.calls)
			}
			time.Sleep(10 * time.Second)
			recovering := times(49, h) // for 9.8s
			if recovering[200] < 5 || recovering[200] > 25 || recovering[503] < 24 {
				t.Errorf("recovering: got %v, want up to half of 200", recovering)
			}
			time.Sleep(time.Second)
			if got := times(10, h); got[200] != 10 {
				t.Errorf("closed again: got %v, want 10 of 200", got)
			}
		})
	})
	t.Run("OK/OpensAgainWhileRecovering", func(t *testing.T) {
		c := config.CircuitBreaker{Expression: "ResponseCodeRatio(500, 600, 0, 600) > 0.2", FallbackDuration: config.Duration(time.Second),
			RecoveryDuration: config.Duration(time.Minute), ResponseCode: 429}
		bubble(t, c, func(t *testing.T, h http.Handler, s *service) {
			s.status = 500
			if got := times(3, h); got[500] != 1 || got[429] != 2 {
				t.Errorf("failing: got %v, want 500 once", got)
			}
			time.Sleep(time.Second)
			if got := times(100, h); got[500] < 1 || got[500] > 3 {
				t.Errorf("recovering: got %v, want few of 500", got)
			}
		})
	})
	t.Run("OK/ForgetsWhatOpenedIt", func(t *testing.T) {
		c := config.CircuitBreaker{Expression: "NetworkErrorRatio() > 0.3", FallbackDuration: config.Duration(time.Second),
			RecoveryDuration: config.Duration(time.Second)}
		bubble(t, c, func(t *testing.T, h http.Handler, s *service) {
			s.status = 502
			times(2, h)
			s.status = 200
			time.Sleep(time.Second)
			times(6, h) // recovering
			if got := times(5, h); got[200] != 5 {
				t.Errorf("closed again: got %v, want 5 of 200", got)
			}
		})
	})
	t.Run("OK/SeesWhatARetryHides", func(t *testing.T) {
		t.Parallel()
		calls := 0
		breaker := build(t, breaking("NetworkErrorRatio() > 0.5"), failing(2, errDial, &calls))
		if got := send(build(t, retrying(2), breaker.ServeHTTP), "GET", "/").Code; got != 503 || calls != 1 {
			t.Errorf("got %d after %d calls, want 503 after 1", got, calls)
		}
	})
	t.Run("OK/ForgetsAfterTheWindow", func(t *testing.T) {
		bubble(t, config.CircuitBreaker{Expression: "NetworkErrorRatio() >= 0.5"}, func(t *testing.T, h http.Handler, s *service) {
			times(3, h)
			s.status = 504
			times(2, h) // 2 of 5
			time.Sleep(10 * time.Second)
			s.status = 200
			times(2, h)
			s.status = 502
			if got := times(2, h); got[502] != 2 { // 1 of 3, 2 of 4
				t.Errorf("got %v, want 2 of 502", got)
			}
			if got := send(h, "GET", "/").Code; got != 503 {
				t.Errorf("at the half: got %d, want 503", got)
			}
		})
	})
}

func TestCircuitBreakerLatency(t *testing.T) {
	t.Parallel()
	t.Run("OK/Median", func(t *testing.T) {
		bubble(t, config.CircuitBreaker{Expression: "LatencyAtQuantileMS(50.0) > 100"}, func(t *testing.T, h http.Handler, s *service) {
			s.takes = 10 * time.Millisecond
			times(4, h)
			s.takes = time.Second
			if got := times(7, h); got[200] != 5 || got[503] != 2 {
				t.Errorf("got %v, want 5 slow ones, then 503", got)
			}
		})
	})
	t.Run("OK/ForgetsAfterAMinute", func(t *testing.T) {
		bubble(t, config.CircuitBreaker{Expression: "LatencyAtQuantileMS(100) > 100 && ResponseCodeRatio(201, 202, 0, 600) > 0"},
			func(t *testing.T, h http.Handler, s *service) {
				s.takes = time.Second
				times(3, h)
				s.takes, s.status = time.Millisecond, 201
				time.Sleep(time.Minute)
				if got := times(3, h); got[201] != 3 {
					t.Errorf("got %v, want 3 of 201", got)
				}
			})
	})
	t.Run("OK/CheckedOnceAPeriod", func(t *testing.T) {
		c := config.CircuitBreaker{Expression: "NetworkErrorRatio() > 0", CheckPeriod: config.Duration(time.Minute)}
		bubble(t, c, func(t *testing.T, h http.Handler, s *service) {
			times(1, h)
			s.status = 502
			if got := times(20, h); got[502] != 20 {
				t.Errorf("before the check: got %v, want 20 of 502", got)
			}
			time.Sleep(time.Minute)
			if got := times(2, h); got[502] != 1 || got[503] != 1 {
				t.Errorf("after it: got %v, want 502, then 503", got)
			}
		})
	})
}

func TestContentErrors(t *testing.T) {
	t.Parallel()
	negative, size := -1, config.Duration(-1)
	for i, tt := range []struct {
		want string
		m    config.Middleware
	}{
		{"replacepath.path", config.Middleware{ReplacePath: &config.ReplacePath{Path: "/%"}}},
		{"replacepathregex.regex", config.Middleware{ReplacePathRegex: &config.ReplacePathRegex{Regex: "("}}},
		{"redirectregex.regex is empty", config.Middleware{RedirectRegex: &config.RedirectRegex{}}},
		{"stripprefixregex.regex[1]", config.Middleware{StripPrefixRegex: &config.StripPrefixRegex{Regex: []string{"a", "["}}}},
		{"retry.attempts is 0", config.Middleware{Retry: &config.Retry{}}},
		{"retry.initialinterval", config.Middleware{Retry: &config.Retry{Attempts: 1, InitialInterval: size}}},
		{"retry.timeout", config.Middleware{Retry: &config.Retry{Attempts: 2, Timeout: size}}},
		{"retry.status", config.Middleware{Retry: &config.Retry{Attempts: 2, Status: []string{"5xx"}}}},
		{"leaves nothing to retry", config.Middleware{Retry: &config.Retry{Attempts: 2, DisableRetryOnNetworkError: true}}},
		{"circuitbreaker.responsecode 99",
			config.Middleware{CircuitBreaker: &config.CircuitBreaker{Expression: "NetworkErrorRatio() > 1", ResponseCode: 99}}},
		{"negative", config.Middleware{CircuitBreaker: &config.CircuitBreaker{Expression: "NetworkErrorRatio() > 1", CheckPeriod: size}}},
		{"compress.encodings is empty", config.Middleware{Compress: &config.Compress{Encodings: []string{}}}},
		{`"deflate" is none of gzip, br, zstd`, config.Middleware{Compress: &config.Compress{Encodings: []string{"deflate"}}}},
		{"compress.defaultencoding", config.Middleware{Compress: &config.Compress{Encodings: []string{"br"}, DefaultEncoding: "gzip"}}},
		{"compress.minresponsebodybytes", config.Middleware{Compress: &config.Compress{MinResponseBodyBytes: &negative}}},
		{"exclude each other", config.Middleware{Compress: &config.Compress{IncludedContentTypes: []string{"a/b"},
			ExcludedContentTypes: []string{"a/c"}}}},
		{"compress.includedcontenttypes", config.Middleware{Compress: &config.Compress{IncludedContentTypes: []string{"a/"}}}},
		{"buffering.memresponsebodybytes", config.Middleware{Buffering: &config.Buffering{MemResponseBodyBytes: -1}}},
		{"errors.status", config.Middleware{Errors: &config.Errors{Status: []string{"5xx"}}}},
		{"errors.status", config.Middleware{Errors: &config.Errors{Status: []string{"504-502"}}}},
		{"errors.statusrewrites", config.Middleware{Errors: &config.Errors{StatusRewrites: map[string]int{"404": 99}}}},
		{"errors.query", config.Middleware{Errors: &config.Errors{Query: "/%zz", Service: "s"}}},
		{"errors.service is empty", config.Middleware{Errors: &config.Errors{}}},
		{"no service is known", config.Middleware{Errors: &config.Errors{Service: "s"}}},
	} {
		t.Run(fmt.Sprintf("Err%d/%s", i, tt.want), func(t *testing.T) {
			t.Parallel()
			checkRefused(t, tt.m, tt.want)
		})
	}
}
