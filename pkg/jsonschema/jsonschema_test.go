package jsonschema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"kapivara/pkg/jsonschema"
	"kapivara/pkg/kapivara"
)

func compile(t *testing.T, schema string) *jsonschema.Validator {
	t.Helper()
	v, err := jsonschema.Compile([]byte(schema))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func refusal(t *testing.T, err error) *kapivara.Error {
	t.Helper()
	var e *kapivara.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a refusal", err)
	}
	return e
}

const order = `{"type":"object","required":["amount"],"additionalProperties":false,"properties":{
	"amount":{"type":"number","minimum":1},"code":{"type":"string","pattern":"^[A-Z]+$","maxLength":3},
	"kind":{"enum":["a","b",1]},"lines":{"type":"array","items":{"$ref":"#/$defs/line"}}},
	"$defs":{"line":{"type":"object","properties":{"price":{"type":"integer"}}}}}`

func TestDataIsHeldToItsSchema(t *testing.T) {
	t.Parallel()
	v := compile(t, order)
	for _, data := range []string{
		`{"amount":1}`, `{"amount":1.5e2,"code":"AB","kind":1.0,"lines":[{"price":3},{"price":1e2}]}`, `{"amount":0,"amount":7}`,
	} {
		if err := v.Validate([]byte(data)); err != nil {
			t.Errorf("%s: %v", data, err)
		}
	}
	for data, want := range map[string]struct{ path, word string }{
		`[]`:                           {"data", "object"},
		`{}`:                           {"data", `"amount"`},
		`{"amount":0}`:                 {"data.amount", "minimum"},
		`{"amount":"sesame"}`:          {"data.amount", "number"},
		`{"amount":1,"code":"sesame"}`: {"data.code", ""},
		`{"amount":1,"kind":"sesame"}`: {"data.kind", "none of the values"},
		`{"amount":1,"sesame":1}`:      {"data", "does not allow"},
		`{"amount":1,"lines":[{},{"price":"sesame"}]}`: {"data.lines[1].price", "integer"},
	} {
		e := refusal(t, v.Validate([]byte(data)))
		if e.Code != kapivara.SchemaViolation || e.Facts.Path != want.path || !strings.Contains(e.Message, want.word) {
			t.Errorf("%s: got %q at %q, want %q at %q", data, e.Message, e.Facts.Path, want.word, want.path)
		}
		if strings.Contains(e.Message, "sesame") {
			t.Errorf("%s: the message shows the data: %q", data, e.Message)
		}
	}
}

func TestDraftsAndBooleansCompile(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{
		`true`, `{}`, `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}`,
		`{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"a":{"type":"string"}},"$ref":"#/definitions/a"}`,
		`{"$id":"https://example.com/a","$ref":"b","$defs":{"b":{"$id":"b","type":"string"}}}`,
		`{"$ref":"#here","$defs":{"a":{"$anchor":"here","type":"string"}}}`,
	} {
		if err := jsonschema.Check([]byte(schema)); err != nil {
			t.Errorf("%s: %v", schema, err)
		}
	}
	if err := compile(t, `false`).Validate([]byte(`1`)); refusal(t, err).Code != kapivara.SchemaViolation {
		t.Error(err)
	}
}

func TestSchemasThatCannotBeUsedAreRefused(t *testing.T) {
	t.Parallel()
	for schema, word := range map[string]string{
		`{"$ref":"https://example.com/other.json"}`: "another document",
		`{"$ref":"other.json"}`:                     "another document",
		`{"$ref":"file:///etc/passwd"}`:             "another document",
		`{"$schema":"https://example.com/meta"}`:    "another document",
		`{"$ref":"#/$defs/none"}`:                   "leads nowhere",
		`{"$ref":"#none"}`:                          "leads nowhere",
		`{"type":"objekt"}`:                         `"/type"`,
		`{"properties":{"a":{"minimum":"1"}}}`:      `"/properties/a/minimum"`,
		`{"pattern":"(?=a)"}`:                       "RE2",
		`{"minimum":1e999999999}`:                   "exponent",
		`[]`:                                        "",
		`{`:                                         "no JSON",
		`{} {}`:                                     "follows",
		strings.Repeat(`{"not":`, 100) + `true` + strings.Repeat(`}`, 100): "nested",
		`{"enum":[` + strings.Repeat(`1,`, 11000) + `1]}`:                  "values",
	} {
		err := jsonschema.Check([]byte(schema))
		if err == nil {
			t.Errorf("%.60s: taken", schema)
			continue
		}
		e := refusal(t, err)
		if e.Code != kapivara.InvalidRequest || e.Facts.Path != "schema" || !strings.Contains(e.Message, word) {
			t.Errorf("%.60s: got %q at %q, want %q", schema, e.Message, e.Facts.Path, word)
		}
	}
	if e := refusal(t, jsonschema.Check(make([]byte, kapivara.MaxSchema+1))); e.Code != kapivara.TooLarge {
		t.Errorf("a large one: %v", e)
	}
}

func TestNumbersBeyondMeasureAreRefusedBeforeTheyAreComputedWith(t *testing.T) {
	t.Parallel()
	v := compile(t, `{"properties":{"a":{"type":"integer","multipleOf":7}}}`)
	for _, n := range []string{"1e131071", "1e999999999", "-1E-99999", "1e99999999999999999999", strings.Repeat("9", 500)} {
		for _, member := range []string{"a", "b"} {
			e := refusal(t, v.Validate(fmt.Appendf(nil, `{"%s":[%s]}`, member, n)))
			if e.Code != kapivara.SchemaViolation || e.Facts.Path != "data."+member+"[0]" {
				t.Errorf("%.30s: got %v at %q", n, e, e.Facts.Path)
			}
		}
	}
	if err := v.Validate([]byte(`{"a":7e300}`)); err != nil {
		t.Error(err)
	}
}

func TestASchemaThatNeverEndsIsGivenUp(t *testing.T) {
	t.Parallel()
	var defs []string
	for i := range 40 {
		next := fmt.Sprintf(`{"$ref":"#/$defs/a%d"}`, i+1)
		defs = append(defs, fmt.Sprintf(`"a%d":{"allOf":[%s,%s]}`, i, next, next))
	}
	doubling := `{"$ref":"#/$defs/a0","$defs":{` + strings.Join(defs, ",") + `,"a40":{"type":"number"}}}`
	for name, c := range map[string]struct{ schema, data string }{
		"references that double":          {doubling, `1`},
		"references that double and fail": {doubling, `""`},
		"patterns that double":            {`{"patternProperties":{"a":{"$ref":"#"},"^":{"$ref":"#"}}}`, strings.Repeat(`{"a":`, 60) + `1` + strings.Repeat(`}`, 60)},
		"a reference to itself":           {`{"$ref":"#"}`, `1`},
		"a long enum of long data":        {`{"items":{"enum":[` + strings.Repeat(`1,`, 9000) + `1]}}`, `[` + strings.Repeat(`2,`, 9000) + `2]`},
	} {
		if e := refusal(t, compile(t, c.schema).Validate([]byte(c.data))); e.Code != kapivara.SchemaViolation {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestLongDataIsNotGivenUp(t *testing.T) {
	t.Parallel()
	v := compile(t, `{"items":{"allOf":[{"type":"number"},{"minimum":0}]}}`)
	if err := v.Validate([]byte(`[` + strings.Repeat(`1,`, 250_000) + `1]`)); err != nil {
		t.Error(err)
	}
}

func TestTheCacheFollowsTheSchema(t *testing.T) {
	t.Parallel()
	c := jsonschema.NewCache()
	text := &kapivara.EventType{Kind: 1, Type: "a", Schema: []byte(`{"type":"string"}`)}
	number := &kapivara.EventType{Kind: 1, Type: "a", Schema: []byte(`{"type":"number"}`)}
	for range 2 {
		if err := c.Check(text, kapivara.JSONData, []byte(`"a"`)); err != nil {
			t.Error(err)
		}
		if err := c.Check(number, kapivara.JSONData, []byte(`"a"`)); refusal(t, err).Code != kapivara.SchemaViolation {
			t.Error(err)
		}
	}
	if err := c.Check(&kapivara.EventType{Kind: 2}, kapivara.NoData, nil); err != nil {
		t.Errorf("without a schema: %v", err)
	}
	if err := c.Check(text, kapivara.NoData, nil); refusal(t, err).Facts.Path != "data" {
		t.Errorf("without data: %v", err)
	}
	if err := c.Check(text, kapivara.BinaryData, []byte(`"a"`)); refusal(t, err).Facts.Path != "data_base64" {
		t.Errorf("bytes: %v", err)
	}
	var e *kapivara.Error
	if err := c.Check(&kapivara.EventType{Kind: 3, Schema: []byte(`{`)}, kapivara.JSONData, []byte(`1`)); err == nil || errors.As(err, &e) {
		t.Errorf("a stored schema that does not compile is the store's fault, got %v", err)
	}
}

func TestOneValidatorServesManyAtOnce(t *testing.T) {
	t.Parallel()
	v := compile(t, order)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if v.Validate([]byte(`{"amount":1}`)) != nil || v.Validate([]byte(`{}`)) == nil {
					t.Error("wrong answer")
				}
			}
		})
	}
	wg.Wait()
}

func FuzzCompileAndValidate(f *testing.F) {
	f.Add([]byte(order), []byte(`{"amount":1}`))
	f.Add([]byte(`{"$ref":"#/$defs/a","$defs":{"a":true}}`), []byte(`[1e400]`))
	f.Add([]byte(`{"$schema":"http://json-schema.org/draft-04/schema#","id":"x"}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, schema, data []byte) {
		v, err := jsonschema.Compile(schema)
		if err != nil {
			_ = refusal(t, err)
			return
		}
		if err := v.Validate(data); err != nil {
			if e := refusal(t, err); !strings.HasPrefix(e.Facts.Path, "data") {
				t.Errorf("path %q", e.Facts.Path)
			}
		} else if !json.Valid(data) {
			t.Error("what is no JSON fits")
		}
	})
}
