package store

import "testing"

func TestNumbered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ query, want string }{
		{`SELECT 1`, `SELECT 1`},
		{`a = ? AND b = ?`, `a = $1 AND b = $2`},
		{`?1 = '' OR id < ?1 LIMIT ?2`, `$1 = '' OR id < $1 LIMIT $2`},
		{`?2, ?, ?`, `$2, $3, $4`},
		{`$1, ?, $2`, `$1, $2, $2`},
		{`$0 $ ?`, `$0 $ $1`},
		{`a = '?' AND b = ?`, `a = '?' AND b = $1`},
		{`a = 'it''s ?' AND b = ?`, `a = 'it''s ?' AND b = $1`},
		{`a = E'\'?' AND b = ?`, `a = E'\'?' AND b = $1`},
		{`a = e'\\' AND b = ? AND c = '?'`, `a = e'\\' AND b = $1 AND c = '?'`},
		{`LIKE'\' AND b = ?`, `LIKE'\' AND b = $1`},
		{`"who?" = ? AND "a""?" = ?`, `"who?" = $1 AND "a""?" = $2`},
		{"a -- ?\n= ?", "a -- ?\n= $1"},
		{`a /* ? */ = ?`, `a /* ? */ = $1`},
		{`$$ ? $$, ?`, `$$ ? $$, $1`},
		{`$f$ ? $$ ? $f$, ?`, `$f$ ? $$ ? $f$, $1`},
		{`'never closed ?`, `'never closed ?`},
		{`a -- ?`, `a -- ?`},
		{`naïve = ?`, `naïve = $1`},
	} {
		if got := numbered(tt.query); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.query, got, tt.want)
		}
	}
}
