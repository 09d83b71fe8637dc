package middleware_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

func breaking(expression string) config.Middleware {
	return config.Middleware{CircuitBreaker: &config.CircuitBreaker{Expression: expression}}
}

func retryingWhile(expression string) config.Middleware {
	return config.Middleware{Buffering: &config.Buffering{RetryExpression: expression}}
}

func TestExpressionErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		middleware config.Middleware
		want       string
	}{
		{"Empty", breaking(" "), "circuitbreaker.expression, column 1: the expression is empty"},
		{"Long", breaking(strings.Repeat(" ", 4097) + "x"), "longer than 4096 bytes"},
		{"Deep", breaking(strings.Repeat("!", 200) + "(NetworkErrorRatio() > 1)"), "nests too deeply"},
		{"Syntax", breaking("NetworkErrorRatio() >"), "column 22: expected operand"},
		{"UnknownFunction", breaking("NetworkErrorRatio() > 0.5 || Foo() > 1"), `column 30: unknown function "Foo"`},
		{"OtherMiddlewaresFunction", retryingWhile("NetworkErrorRatio() > 1"), `buffering.retryexpression, column 1: unknown function`},
		{"NotCalled", breaking("NetworkErrorRatio > 1"), "column 1: NetworkErrorRatio is not called: write NetworkErrorRatio()"},
		{"Arity", breaking("ResponseCodeRatio(500, 600) > 0.5"), "column 1: ResponseCodeRatio takes 4 arguments, not 2"},
		{"Argument", breaking("LatencyAtQuantileMS(`50`) > 100"), "column 21: the argument is to be a number"},
		{"NumberAlone", breaking("NetworkErrorRatio()"), "column 1: this is a number, not a condition"},
		{"NumberAsCondition", breaking("NetworkErrorRatio() > 1 && 2"), "column 25: && stands between a condition and a number"},
		{"NotOfNumber", breaking("!NetworkErrorRatio()"), "column 1: ! is for conditions, not for a number"},
		{"Operator", breaking("NetworkErrorRatio() + 1"), "column 21: + is not for a number"},
		{"UnaryOperator", breaking("NetworkErrorRatio() > -1"), "column 23: unknown operator -"},
		{"TextOrder", retryingWhile("RequestMethod() < `GET`"), "column 17: < is not for a text"},
		{"Character", breaking("NetworkErrorRatio() > 'a'"), "neither a number nor a text"},
		{"Other", breaking("[]int{1}"), "an expression has no such thing"},
		{"NotAFunction", breaking("a.b() > 1"), "this is not a function"},
		{"NoDecimal", breaking("NetworkErrorRatio() > 0b11"), "0b11 is not a decimal number"},
	} {
		t.Run("Err"+tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := middleware.Build(&tt.middleware, env)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error: got %v, want %q", err, tt.want)
			}
			if m, ok := errors.AsType[interface {
				error
				Hint() string
			}](err); !ok || !strings.Contains(m.Hint(), "known are ") {
				t.Errorf("hint: got none of what is known")
			}
		})
	}
}

// The retry expression is judged of a request and its answer, so it shows what
// expressions mean.
func TestExpressionMeaning(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		"ResponseCode() == 503":                                        true,
		"ResponseCode() != 503":                                        false,
		"503 == ResponseCode()":                                        true,
		"ResponseCode() >= 503 && ResponseCode() <= 503":               true,
		"ResponseCode() > 503 || ResponseCode() < 503":                 false,
		"!(ResponseCode() == 200)":                                     true,
		"! IsNetworkError()":                                           true,
		"IsNetworkError()":                                             false,
		"RequestMethod() == \"GET\"":                                   true,
		"RequestMethod() != `GET`":                                     false,
		"IsNetworkError() && IsNetworkError() || ResponseCode() > 1.5": true,
		"IsNetworkError() && (IsNetworkError() || ResponseCode() > 1)": false,
		"IsNetworkError() ||\n ResponseCode() == 503":                  true,
		"Attempts() == 1 == (ResponseCode() == 503)":                   false, // no such operator
	} {
		t.Run("OK/"+expression, func(t *testing.T) {
			t.Parallel()
			m := retryingWhile("(" + expression + ") && Attempts() < 2")
			wrap, err := middleware.Build(&m, env)
			if strings.Contains(expression, " == (") {
				if err == nil {
					t.Error("error: got none for == of conditions")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			calls := 0
			send(wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.WriteHeader(503)
			})), "GET", "/")
			if got := calls == 2; got != want {
				t.Errorf("holds: got %t, want %t", got, want)
			}
		})
	}
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		"NetworkErrorRatio() > 0.30", "ResponseCodeRatio(500, 600, 0, 600) >= .25 || !(LatencyAtQuantileMS(50.0) <= 100)",
		"IsNetworkError() && Attempts() < 2", "RequestMethod() == `GET`", "((((", "!!!", "a.b[c](d...)", "func(){}", "1e999 > 0x1p-2", "\"\\",
		"/* */ 1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, m := range []config.Middleware{breaking(s), retryingWhile(s)} {
			wrap, err := middleware.Build(&m, env)
			if err != nil {
				if err.Error() == "" {
					t.Error("error: got an empty one")
				}
				continue
			}
			send(wrap(http.HandlerFunc(ok)), "GET", "/")
		}
	})
}
