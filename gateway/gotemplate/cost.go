package gotemplate

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// cost is what a call takes beyond the weight of its arguments and result, in
// steps. It is an error where the result would be too long: it must not be made.
type cost func(args []reflect.Value) (steps int, err error)

// costs are those of functions that may make much more than they are given, or
// take much longer.
var costs = map[string]cost{
	"replace": func(args []reflect.Value) (int, error) {
		old, by, in := text(args, 0), text(args, 1), text(args, 2)
		return 0, fits(len(in), strings.Count(in, old), len(by))
	},
	"join": func(args []reflect.Value) (int, error) {
		n := 1
		if list := inside(args, 1); list.Kind() == reflect.Slice || list.Kind() == reflect.Array {
			n = list.Len()
		}
		return 0, fits(maxValue/2, n, len(text(args, 0)))
	},
	"wrapWith": func(args []reflect.Value) (int, error) {
		in := text(args, 2)
		return 0, fits(len(in), len(in), len(text(args, 1)))
	},
	"printf": func(args []reflect.Value) (int, error) { return 0, printfFits(args) },
	"bcrypt": slow, "htpasswd": slow,
	"uniq": squared, "mustUniq": squared, "without": squared, "mustWithout": squared, "has": squared, "mustHas": squared,
	"regexMatch": matching, "mustRegexMatch": matching, "regexFind": matching, "mustRegexFind": matching,
	"regexFindAll": matching, "mustRegexFindAll": matching, "regexSplit": matching, "mustRegexSplit": matching,
	"regexReplaceAll": replacing, "mustRegexReplaceAll": replacing,
	"regexReplaceAllLiteral": replacing, "mustRegexReplaceAllLiteral": replacing,
}

// fits refuses more than a value may be long: what there is, and n times as many
// bytes.
func fits(have, n, bytes int) error {
	if n > 0 && bytes > (maxValue-have)/n {
		return overBudget("a value is longer than %d bytes", maxValue)
	}
	return nil
}

func slow([]reflect.Value) (int, error) { return 50_000, nil }

// squared compares all items of lists with each other.
func squared(args []reflect.Value) (int, error) {
	n := 0
	for i := range args {
		if list := inside(args, i); list.Kind() == reflect.Slice || list.Kind() == reflect.Array {
			n += list.Len()
		}
	}
	return n * n / 16, nil
}

// matching takes as long as pattern and text together say. A count such as {1000}
// makes the pattern so many times as long.
func matching(args []reflect.Value) (int, error) {
	pattern, in := text(args, 0), text(args, 1)
	size := len(pattern)
	if strings.Contains(pattern, "{") {
		size *= 1000
	}
	return size * (len(in) + 1) / 256, nil
}

func replacing(args []reflect.Value) (int, error) {
	steps, _ := matching(args)
	if steps > 1<<20 {
		return steps, nil // too many for any budget
	}
	re, err := regexp.Compile(text(args, 0))
	if err != nil {
		return steps, nil // the function says so itself
	}
	in, by := text(args, 1), text(args, 2)
	found := len(re.FindAllStringIndex(in, -1))
	references := strings.Count(by, "$")
	return 2 * steps, fits(len(in)*(1+references), found, len(by))
}

// wide is a width or precision beyond what a line could need, or one that an
// argument gives.
var wide = regexp.MustCompile(`%[^a-zA-Z%]*(\d{4}|\*)`)

// printfFits refuses formats that make much of little.
func printfFits(args []reflect.Value) error {
	format := text(args, 0)
	if wide.MatchString(format) {
		return overBudget("printf takes a width of 3 digits at most")
	}
	left := maxValue
	if list := inside(args, 1); list.IsValid() {
		if err := weigh(list, maxDepth, &left); err != nil {
			return err
		}
	}
	// %q and %x write a byte as several, and %[1]s the same argument again.
	return fits(len(format), strings.Count(format, "%"), 1000+6*(maxValue-left))
}

// inside is an argument without an interface around it.
func inside(args []reflect.Value, i int) reflect.Value {
	if i >= len(args) {
		return reflect.Value{}
	}
	if v := args[i]; v.Kind() != reflect.Interface {
		return v
	}
	return args[i].Elem()
}

// text is an argument as the function will take it for text.
func text(args []reflect.Value, i int) string {
	v := inside(args, i)
	switch {
	case !v.IsValid():
		return ""
	case v.Kind() == reflect.String:
		return v.String()
	}
	return fmt.Sprint(v)
}
