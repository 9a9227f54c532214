package jsonschema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	lib "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"kapivara/pkg/kapivara"
)

// maxDataDepth is well above what a request may nest.
const maxDataDepth = 256

// Validate holds a JSON value to the schema: nil, or a schema_violation whose path leads from "data" to the first fault
// found, as in data.lines[2].price. Its message names what the schema wants and never shows the data.
func (v *Validator) Validate(data []byte) (err error) {
	document, err := decode(data, maxDataDepth)
	if err != nil {
		var large *numberError
		if errors.As(err, &large) {
			return violation(large.at, large.Error())
		}
		return violation(nil, err.Error())
	}
	if count(document)*v.choices > maxComparisons {
		return violation(nil, tooMuchWork)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	defer func() {
		switch recover().(type) {
		case nil:
		case exhausted:
			err = violation(nil, tooMuchWork)
		default: // the library panics on some values
			err = violation(nil, "it cannot be held to the schema")
		}
	}()
	v.steps.left = stepsFor(len(data))
	var fault *lib.ValidationError
	if errors.As(v.schema.Validate(document), &fault) {
		at, what := deepest(fault)
		return violation(at, what)
	}
	return nil
}

const tooMuchWork = "holding it to the schema takes too much work"

func violation(at []string, what string) error {
	return &kapivara.Error{
		Code:    kapivara.SchemaViolation,
		Message: "data does not fit the schema of its event type: " + what,
		Facts:   kapivara.Facts{Path: pathOf(at)},
	}
}

// deepest is the fault to show: of the first branch down to where there is one reason.
func deepest(e *lib.ValidationError) (at []string, what string) {
	for len(e.Causes) > 0 {
		switch e.ErrorKind.(type) {
		case *kind.AnyOf, *kind.OneOf, *kind.Contains, *kind.Not:
			return e.InstanceLocation, describe(e.ErrorKind)
		}
		e = e.Causes[0]
	}
	return e.InstanceLocation, describe(e.ErrorKind)
}

// describe says what the schema wants. It uses words of the schema, never of the data.
func describe(k lib.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "it is " + article(k.Got) + ", the schema wants " + strings.Join(k.Want, " or ")
	case *kind.Required:
		return "it lacks " + list(k.Missing)
	case *kind.DependentRequired:
		return "it lacks " + list(k.Missing)
	case *kind.Dependency:
		return "it lacks " + list(k.Missing)
	case *kind.AdditionalProperties:
		return "it has members that the schema does not allow"
	case *kind.Enum:
		return "it is none of the values that the schema allows"
	case *kind.Const:
		return "it is not the value that the schema wants"
	case *kind.Pattern:
		return "it does not match the pattern " + quoted(k.Want)
	case *kind.Format:
		if k.Want == "regex" {
			return "it is no regular expression of RE2, which has no look-around and no back-references"
		}
		return "it has not the format " + quoted(k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("it is shorter than %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("it is longer than %d characters", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("it has fewer than %d items", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("it has more than %d items", k.Want)
	case *kind.AnyOf:
		return "it fits none of the schemas of anyOf"
	case *kind.OneOf:
		return "it does not fit exactly one of the schemas of oneOf"
	case *kind.FalseSchema:
		return "the schema allows nothing here"
	}
	if path := k.KeywordPath(); len(path) > 0 {
		return "it does not fit " + quoted(path[len(path)-1])
	}
	return "it does not fit"
}

func article(name string) string {
	if strings.ContainsAny(name[:1], "aeiou") {
		return "an " + name
	}
	return "a " + name
}

func list(names []string) string {
	const most = 5
	shown := make([]string, 0, most)
	for i, name := range names {
		if i == most {
			break
		}
		shown = append(shown, quoted(name))
	}
	if len(names) > most {
		return strings.Join(shown, ", ") + " and others"
	}
	return strings.Join(shown, ", ")
}

func quoted(s string) string { return fmt.Sprintf("%.60q", s) }

// pathOf writes where a fault is as errors do: data.lines[2].price.
func pathOf(at []string) string {
	const most = 300
	var b strings.Builder
	b.WriteString("data")
	for _, token := range at {
		if _, err := strconv.ParseUint(token, 10, 31); err == nil {
			b.WriteString("[" + token + "]")
		} else {
			b.WriteString("." + fmt.Sprintf("%.80s", token))
		}
		if b.Len() > most {
			return b.String() + "…"
		}
	}
	return b.String()
}

func pointerOf(at []string) string {
	var b strings.Builder
	for _, token := range at {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(token))
	}
	return fmt.Sprintf("%.200s", b.String())
}
