package gotemplate

import (
	"bytes"
	"context"
	"reflect"
	"text/template"
	"time"
)

const (
	// maxValue bounds what a function is given or makes, in bytes; a list or map
	// costs itemSize for each item beside.
	maxValue = 1 << 20
	itemSize = 16
	// maxDepth bounds how deep lists and maps nest. One that holds itself is deeper.
	maxDepth = 100
	// stepSize is how many bytes of values cost as much as a step.
	stepSize = 64
)

// run is one execution.
type run struct {
	ctx    context.Context
	limits Limits
	end    time.Time
	out    bytes.Buffer
	steps  int
	calls  int // how deep templates are in calls
	line   int // where it is, about
	looked int // steps when the clock was looked at last
}

// Write takes what is printed.
func (r *run) Write(p []byte) (int, error) {
	if r.out.Len()+len(p) > r.limits.Output {
		return 0, overBudget("the template makes more than %d bytes", r.limits.Output)
	}
	return r.out.Write(p)
}

// spend uses up steps.
func (r *run) spend(n int) error {
	if r.steps += n; r.steps < 0 || r.steps > r.limits.Steps {
		return overBudget("the template takes more than %d steps", r.limits.Steps)
	}
	if r.steps-r.looked < 256 {
		return nil
	}
	r.looked = r.steps
	if r.ctx.Err() != nil {
		return overBudget("the template was broken off")
	}
	if time.Now().After(r.end) {
		return overBudget("the template takes longer than %s", r.limits.Time)
	}
	return nil
}

// functions are those of a template, within its budget, and the guards.
func (r *run) functions(called template.FuncMap) template.FuncMap {
	all := template.FuncMap{
		stepGuard: func(line int) (string, error) {
			r.line = line
			return "", r.spend(1)
		},
		enterGuard: func(int) (string, error) {
			if r.calls++; r.calls > maxCalls {
				return "", overBudget("templates call each other deeper than %d levels", maxCalls)
			}
			return "", r.spend(1)
		},
		leaveGuard: func(int) string { r.calls--; return "" },
		printGuard: func(line int, v any) (any, error) {
			r.line = line
			return v, r.weigh(reflect.ValueOf(v))
		},
		valueGuard: func(_ int, v any) (any, error) { return v, r.weigh(reflect.ValueOf(v)) },
	}
	for name, f := range called {
		all[name] = r.bounded(name, f)
	}
	return all
}

var errorType = reflect.TypeFor[error]()

// bounded is a function whose arguments and result are weighed.
func (r *run) bounded(name string, f any) any {
	v := reflect.ValueOf(f)
	t := v.Type()
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		in[i] = t.In(i)
	}
	fail := func(err error) []reflect.Value {
		return []reflect.Value{reflect.Zero(t.Out(0)), reflect.ValueOf(&err).Elem()}
	}
	call := v.Call
	if t.IsVariadic() {
		call = v.CallSlice
	}
	cost := costs[name]
	typ := reflect.FuncOf(in, []reflect.Type{t.Out(0), errorType}, t.IsVariadic())
	return reflect.MakeFunc(typ, func(args []reflect.Value) []reflect.Value {
		if err := r.weigh(args...); err != nil {
			return fail(err)
		}
		if cost != nil {
			steps, err := cost(args)
			if err == nil {
				err = r.spend(steps)
			}
			if err != nil {
				return fail(err)
			}
		}
		results := call(args)
		if len(results) > 1 && !results[1].IsNil() {
			return results
		}
		if err := r.weigh(results[0]); err != nil {
			return fail(err)
		}
		return []reflect.Value{results[0], reflect.Zero(errorType)}
	}).Interface()
}

// weigh pays for values.
func (r *run) weigh(values ...reflect.Value) error {
	left := maxValue
	for _, v := range values {
		if err := weigh(v, maxDepth, &left); err != nil {
			return err
		}
	}
	return r.spend(1 + (maxValue-left)/stepSize)
}

func weigh(v reflect.Value, depth int, left *int) error {
	if depth < 0 {
		return overBudget("a value nests deeper than %d levels", maxDepth)
	}
	*left -= itemSize
	switch v.Kind() {
	case reflect.String:
		*left -= v.Len()
	case reflect.Slice, reflect.Array:
		if err := weighItems(v, depth, left); err != nil {
			return err
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next() && *left >= 0; {
			if err := weigh(entries.Key(), depth-1, left); err != nil {
				return err
			}
			if err := weigh(entries.Value(), depth-1, left); err != nil {
				return err
			}
		}
	case reflect.Interface:
		if !v.IsNil() {
			return weigh(v.Elem(), depth, left)
		}
	}
	if *left < 0 {
		return overBudget("a value is longer than %d bytes", maxValue)
	}
	return nil
}

// weighItems weighs the items of a list; bytes are weighed as a text is.
func weighItems(v reflect.Value, depth int, left *int) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		*left -= v.Len()
		return nil
	}
	for i := 0; i < v.Len() && *left >= 0; i++ {
		if err := weigh(v.Index(i), depth-1, left); err != nil {
			return err
		}
	}
	return nil
}
