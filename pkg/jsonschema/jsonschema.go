// Package jsonschema holds data to the JSON Schemas of the registry. It is the only room that knows the library for it,
// and keeps what strangers send from turning that library against us: sizes, depth, numbers, work and references are
// bounded.
package jsonschema

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	lib "github.com/santhosh-tekuri/jsonschema/v6"

	"kapivara/pkg/kapivara"
)

const (
	// maxSchemaDepth is how deep a schema may be nested.
	maxSchemaDepth = 64
	// maxSchemaValues is how many values it may hold: compiling takes time that grows with the square.
	maxSchemaValues = 10_000
	// maxComparisons bounds the values of the data times the longest enum: each comparison of numbers takes 0.3 µs.
	maxComparisons = 10_000_000
)

// Validator holds data to one schema. Several goroutines may use it at once; they take turns.
type Validator struct {
	mu      sync.Mutex
	schema  *lib.Schema
	steps   *steps
	choices int // of its longest list
}

// Check refuses, as invalid_request, what Compile refuses.
func Check(schema []byte) error {
	_, err := Compile(schema)
	return err
}

// Compile reads a JSON Schema: draft 2020-12, or an earlier one that $schema names. It refuses, as invalid_request at
// schema, what is none, is too large, or refers to another document.
func Compile(schema []byte) (v *Validator, err error) {
	defer func() {
		if recover() != nil { // the library panics on some schemas
			v, err = nil, refuse("it cannot be compiled")
		}
	}()
	if len(schema) > kapivara.MaxSchema {
		return nil, kapivara.Oversize("the schema", kapivara.MaxSchema, len(schema))
	}
	document, err := decode(schema, maxSchemaDepth)
	if err != nil {
		return nil, refuse("%v", err)
	}
	if count(document) > maxSchemaValues {
		return nil, refuse("it holds more than %d values", maxSchemaValues)
	}
	s := &steps{}
	c := lib.NewCompiler()
	c.DefaultDraft(lib.Draft2020)
	c.UseLoader(noLoader{})
	c.RegisterVocabulary(s.vocabulary())
	c.AssertVocabs()
	if err := c.AddResource(location, document); err != nil {
		return nil, refuse("it cannot be read")
	}
	compiled, err := c.Compile(location)
	if err != nil {
		return nil, refuse("%s", why(err))
	}
	return &Validator{schema: compiled, steps: s, choices: choices(document)}, nil
}

func refuse(format string, args ...any) error {
	return kapivara.Invalid("schema", "this is no JSON Schema that can be used: "+format, args...)
}

// location is where the schema says to be while it is compiled: nothing else is there.
const location = "https://schema.invalid/of/an/event/type"

var errOutside = errors.New("it refers to another document; put what it needs under $defs")

// noLoader keeps schemas from reading files or asking servers.
type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errOutside }

// why says what is wrong with a schema in one line.
func why(err error) string {
	var outside *lib.LoadURLError
	var invalid *lib.SchemaValidationError
	var pattern *lib.InvalidRegexError
	var anchor *lib.AnchorNotFoundError
	var pointer *lib.JSONPointerNotFoundError
	switch {
	case errors.As(err, &outside):
		return errOutside.Error()
	case errors.As(err, &pattern):
		return fmt.Sprintf("a pattern is no regular expression of RE2 (no look-around, no back-references): %.100q", pattern.Regex)
	case errors.As(err, &anchor):
		return fmt.Sprintf("a reference leads nowhere: %.100q", anchor.Reference)
	case errors.As(err, &pointer):
		return fmt.Sprintf("a reference leads nowhere: %.100q", strings.TrimPrefix(pointer.URL, location))
	case errors.As(err, &invalid):
		var fault *lib.ValidationError
		if errors.As(invalid.Err, &fault) {
			at, what := deepest(fault)
			return fmt.Sprintf("at %q: %s", pointerOf(at), what)
		}
	}
	return "it does not compile"
}
