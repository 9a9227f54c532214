package golden_test

import (
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
	"kapivara/schema"
)

// operators are the messages of operators.
func operators() []golden {
	bucket := kapivara.Bucket(3)
	var all []golden
	for name, o := range map[string]kapivara.Operation{
		"delivery-hide-request":    {Verb: kapivara.Hide, Stream: stream, Until: recorded, Reason: "maintenance"},
		"delivery-hide-delay":      {Verb: kapivara.Hide, State: kapivara.Pending, Delay: 90 * time.Second},
		"delivery-park-request":    {Verb: kapivara.Park, Numbers: []kapivara.Numbering{{Bucket: 3, Number: 1042}, {Bucket: -1, Number: 7}}, Reason: "wrong \"tax\""},
		"delivery-retry-request":   {Verb: kapivara.Retry, State: kapivara.Parked, Bucket: &bucket},
		"delivery-discard-request": {Verb: kapivara.Discard, Stream: stream, DryRun: true},
	} {
		all = append(all, golden{name, "delivery-" + string(o.Verb) + ".request.json", wire.EncodeOperate(&o)})
	}
	return append(all,
		golden{"delivery-replay-request", "delivery-replay.request.json", wire.EncodeReplay(&kapivara.Replay{After: 0, To: 10293, Bucket: &bucket, DryRun: true})},
		golden{"delivery-replay-since", "delivery-replay.request.json", wire.EncodeReplay(&kapivara.Replay{Since: recorded, Stream: stream})},
		golden{"delivery-changed-reply", "delivery-changed.reply.json", wire.AppendChanged(nil, 262200)},
	)
}

// What a request alone tells, the schema and the decoder judge alike.
func TestSchemaAndDecoderAgreeOnOperators(t *testing.T) {
	t.Parallel()
	compiler := newCompiler(t)
	for _, c := range []struct {
		verb, body string
		valid      bool
	}{
		{"park", `{}`, false},
		{"park", `{"numbers":[{"bucket":"3","number":1}]}`, true},
		{"park", `{"numbers":[]}`, false},
		{"park", `{"numbers":[{"bucket":"3","number":0}]}`, false},
		{"park", `{"numbers":[{"bucket":"3"}]}`, false},
		{"park", `{"numbers":null,"stream":"a/b/c/d"}`, true},
		{"park", `{"stream":"a/b/c/d","state":"leased"}`, false},
		{"park", `{"stream":"a/b/c/d","bucket":"3"}`, false},
		{"park", `{"state":"leased","bucket":"3","reason":"x","dry_run":true}`, true},
		{"park", `{"state":"leased","bucket":null,"reason":null,"dry_run":null}`, true},
		{"park", `{"state":"parked"}`, false},
		{"park", `{"state":"leased","delay":"3s"}`, false},
		{"park", `{"state":"leased","all":true}`, false},
		{"retry", `{"state":"parked"}`, true},
		{"retry", `{"state":"leased"}`, false},
		{"discard", `{"state":"parked"}`, true},
		{"discard", `{"state":"committed"}`, false},
		{"hide", `{"state":"leased"}`, false},
		{"hide", `{"state":"leased","delay":"3s"}`, true},
		{"hide", `{"state":"leased","delay":3000000000}`, true},
		{"hide", `{"state":"leased","delay":"3 s"}`, false},
		{"hide", `{"state":"leased","until":"2026-11-24T08:00:00Z"}`, true},
		{"hide", `{"state":"leased","until":"2026-11-24T08:00:00Z","delay":"3s"}`, false},
		{"hide", `{"state":"leased","until":"tomorrow"}`, false},
		{"replay", `{}`, false},
		{"replay", `{"after":0}`, true},
		{"replay", `{"after":-1}`, false},
		{"replay", `{"since":"2026-11-24T08:00:00Z","to":9}`, true},
		{"replay", `{"after":0,"since":"2026-11-24T08:00:00Z"}`, false},
		{"replay", `{"after":0,"since":null,"bucket":"canary-0","stream":"a/b/c/d"}`, true},
		{"replay", `{"after":0,"to":0}`, false},
		{"replay", `{"after":0,"state":"parked"}`, false},
	} {
		var err error
		if c.verb == "replay" {
			_, err = wire.DecodeReplay([]byte(c.body))
		} else {
			_, err = wire.DecodeOperate(kapivara.Verb(c.verb), []byte(c.body))
		}
		if got := err == nil; got != c.valid {
			t.Errorf("decoder: %s %s: got %v (%v), want %v", c.verb, c.body, got, err, c.valid)
		}
		sch, err := compiler.Compile(schema.SchemaBase + "delivery-" + c.verb + ".request.json")
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if err := sch.Validate(value); (err == nil) != c.valid {
			t.Errorf("schema: %s %s: got %v (%v), want %v", c.verb, c.body, err == nil, err, c.valid)
		}
	}
}

func operated(v kapivara.Verb) func([]byte) error {
	return func(b []byte) error { _, err := wire.DecodeOperate(v, b); return err }
}
