package jsonschema

import lib "github.com/santhosh-tekuri/jsonschema/v6"

// steps bounds the work of one validation. References can double the work with each level of a schema, so that a small
// one never ends; the library has no bound of its own. It takes part as a vocabulary without keywords, which the library
// asks at each schema that it has gone through.
type steps struct{ left int }

// exhausted ends a validation by a panic: the library has no other way out.
type exhausted struct{}

// stepsFor is how many schemas may be gone through for data of a size: enough for an item a byte with some schemas each.
func stepsFor(size int) int { return 100_000 + 8*size }

func (s *steps) vocabulary() *lib.Vocabulary {
	return &lib.Vocabulary{
		URL:     "urn:kapivara:steps",
		Compile: func(*lib.CompilerContext, map[string]any) (lib.SchemaExt, error) { return s, nil },
	}
}

// Validate counts one schema.
func (s *steps) Validate(*lib.ValidatorContext, any) {
	if s.left--; s.left < 0 {
		panic(exhausted{})
	}
}
