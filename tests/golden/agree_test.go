package golden_test

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"kapivara/pkg/wire"
	"kapivara/schema"
)

// What a request alone tells, the schema and the decoder judge alike.
func TestSchemaAndDecoderAgreeOnAppends(t *testing.T) {
	t.Parallel()
	sch, err := newCompiler(t).Compile(schema.SchemaBase + "append.request.json")
	if err != nil {
		t.Fatal(err)
	}
	event := func(members string) string {
		return `{"stream":"a/b/c/d","events":[{"id":"e1","type":"t"` + members + `}]}`
	}
	for body, valid := range map[string]bool{
		event(""):                               true,
		event(`,"data":null`):                   true,
		event(`,"data":[1],"data_base64":null`): true,
		event(`,"data":null,"data_base64":""`):  false,
		event(`,"data_base64":"AAE="`):          true,
		event(`,"data_base64":"AAE"`):           false,
		event(`,"data_base64":"_-8="`):          false,
		event(`,"position":1,"final":true`):     true,
		event(`,"position":0`):                  false,
		event(`,"position":2147483648`):         false,
		event(`,"final":"true"`):                false,
		event(`,"specversion":"1.0"`):           true,
		event(`,"specversion":"0.3"`):           false,
		event(`,"source":""`):                   false,
		event(`,"time":"2026-02-28T23:59:59Z"`): true,
		event(`,"time":"2026-02-31T00:00:00Z"`): false,
		event(`,"time":"2026-02-28"`):           false,
		event(`,"subject":"x","n":-2147483648`): true,
		event(`,"n":2147483648`):                false,
		event(`,"n":1.5`):                       false,
		event(`,"n":{}`):                        false,
		event(`,"n":null,"stream":null`):        true,
		event(`,"N":1`):                         false,
		event(`,"data_base65":null`):            false,
		event(`,"publisher":"p"`):               false,
		event(`,"logposition":"1"`):             false,
		`{"stream":"a/b/c/d","expect":"new","canary":true,"events":[{"id":"e1","type":"t"}]}`: true,
		`{"stream":"a/b/c/d","expect":0,"canary":null,"events":[{"id":"e1","type":"t"}]}`:     true,
		`{"stream":"a/b/c/d","expect":-1,"events":[{"id":"e1","type":"t"}]}`:                  false,
		`{"stream":"a/b/c/d","expect":"never","events":[{"id":"e1","type":"t"}]}`:             false,
		`{"stream":"a/b/c","events":[{"id":"e1","type":"t"}]}`:                                false,
		`{"stream":"a/b/c/d","events":[{"id":"e1","type":"a.*"}]}`:                            false,
		`{"stream":"a/b/c/d","events":[{"type":"t"}]}`:                                        false,
		`{"stream":"a/b/c/d","events":[]}`:                                                    false,
		`{"stream":"a/b/c/d","x":1,"events":[{"id":"e1","type":"t"}]}`:                        false,
		`{}`: false,
	} {
		_, err := wire.DecodeAppend([]byte(body), wire.DefaultLimits())
		if got := err == nil; got != valid {
			t.Errorf("decoder: %s: got %v (%v), want %v", body, got, err, valid)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := sch.Validate(value); (err == nil) != valid {
			t.Errorf("schema: %s: got %v (%v), want %v", body, err == nil, err, valid)
		}
	}
}

func TestSchemaAndDecoderAgreeOnAppendMany(t *testing.T) {
	t.Parallel()
	sch, err := newCompiler(t).Compile(schema.SchemaBase + "append-many.request.json")
	if err != nil {
		t.Fatal(err)
	}
	const one, condition = `{"stream":"a/b/c/d","events":[{"id":"e1","type":"t"}]}`, `{"stream":"a/b/c/d","expect":1}`
	for body, valid := range map[string]bool{
		`{"appends":[` + one + `]}`:                                                            true,
		`{"appends":[` + one + `],"conditions":[` + condition + `]}`:                           true,
		`{"appends":[` + one + `],"conditions":[]}`:                                            true,
		`{"appends":[` + one + `],"conditions":null}`:                                          true,
		`{"appends":[],"conditions":[` + condition + `]}`:                                      true,
		`{"conditions":[` + condition + `]}`:                                                   true,
		`{"appends":null,"conditions":[{"stream":"a/b/c/d","expect":"exists"}]}`:               true,
		`{"conditions":[{"stream":"a/b/c/d"}]}`:                                                false,
		`{"conditions":[{"expect":1}]}`:                                                        false,
		`{"conditions":[{"stream":"a/b/c/d","expect":null}]}`:                                  false,
		`{"conditions":[{"stream":"a/b/c/d","expect":-1}]}`:                                    false,
		`{"conditions":[{"stream":"a/b/c/d","expect":1,"events":[]}]}`:                         false,
		`{"appends":[{"stream":"a/b/c/d","events":[]}]}`:                                       false,
		`{"appends":[{"stream":"a/b/c/d","events":[{"id":"e1","type":"t","publisher":"p"}]}]}`: false,
		`{"appends":[1]}`:                 false,
		`{"appends":[],"conditions":[]}`:  false,
		`{"appends":[` + one + `],"x":1}`: false,
		one:                               false,
		`{}`:                              false,
	} {
		_, err := wire.DecodeAppendMany([]byte(body), wire.DefaultLimits())
		if got := err == nil; got != valid {
			t.Errorf("decoder: %s: got %v (%v), want %v", body, got, err, valid)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := sch.Validate(value); (err == nil) != valid {
			t.Errorf("schema: %s: got %v (%v), want %v", body, err == nil, err, valid)
		}
	}
}
