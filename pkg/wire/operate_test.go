package wire_test

import (
	"reflect"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func TestAnOperationIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	bucket := kapivara.Bucket(-2)
	until := time.Date(2026, 11, 24, 8, 0, 0, 5, time.UTC)
	for _, want := range []kapivara.Operation{
		{Verb: kapivara.Park, Numbers: []kapivara.Numbering{{Bucket: 3, Number: 1042}, {Bucket: -1, Number: 1}}, Reason: `"ü"`},
		{Verb: kapivara.Discard, Stream: `a/b/c/ü "x"`, DryRun: true},
		{Verb: kapivara.Retry, State: kapivara.Parked, Bucket: &bucket},
		{Verb: kapivara.Hide, State: kapivara.Pending, Until: until},
		{Verb: kapivara.Hide, Stream: "a/b/c/d", Delay: 90 * time.Second},
		{Verb: kapivara.Hide, Stream: "a/b/c/d"},
	} {
		body := wire.EncodeOperate(&want)
		got, err := wire.DecodeOperate(want.Verb, body)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", body, got, err, want)
		}
	}
	for _, want := range []kapivara.Replay{
		{}, {After: 7, To: 9, Bucket: &bucket}, {Since: until, Stream: "a/b/c/d", DryRun: true},
	} {
		body := wire.EncodeReplay(&want)
		got, err := wire.DecodeReplay(body)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", body, got, err, want)
		}
	}
	if n, err := wire.DecodeChanged(wire.AppendChanged(nil, 262200)); n != 262200 || err != nil {
		t.Errorf("got %d changed, %v", n, err)
	}
	if _, err := wire.DecodeChanged([]byte(`{"stream":"x","seq":1}`)); err == nil {
		t.Error("another answer is taken")
	}
}

func TestWhatNoOperationIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verb       kapivara.Verb
		body, path string
	}{
		{kapivara.Park, ``, ""},
		{kapivara.Park, `{"numbers":[]}`, "numbers"},
		{kapivara.Park, `{"numbers":[{"bucket":"3"}]}`, "numbers[0]"},
		{kapivara.Park, `{"numbers":[{"bucket":"3","number":1},{"bucket":"03","number":1}]}`, "numbers[1].bucket"},
		{kapivara.Park, `{"numbers":[{"bucket":"3","number":0}]}`, "numbers[0]"},
		{kapivara.Park, `{"numbers":[{"bucket":"3","number":1,"x":1}]}`, "numbers[0].x"},
		{kapivara.Park, `{"stream":"a/b/c/d","state":"leased"}`, ""},
		{kapivara.Park, `{"stream":"a/b/c"}`, "stream"},
		{kapivara.Park, `{"state":""}`, "state"},
		{kapivara.Park, `{"state":"parked"}`, "state"},
		{kapivara.Park, `{"state":"leased","bucket":"x"}`, "bucket"},
		{kapivara.Park, `{"state":"leased","all":true}`, "all"},
		{kapivara.Park, `{"state":"leased","delay":"3s"}`, "delay"},
		{kapivara.Retry, `{"state":"parked","until":"2026-11-24T08:00:00Z"}`, "until"},
		{kapivara.Hide, `{"state":"leased"}`, "until"},
		{kapivara.Hide, `{"state":"leased","delay":"3s","until":"2026-11-24T08:00:00Z"}`, "until"},
		{kapivara.Hide, `{"state":"leased","until":"tomorrow"}`, "until"},
		{kapivara.Hide, `{"state":"leased","delay":"soon"}`, "delay"},
		{"", ``, "after"},
		{"", `{"after":1,"since":"2026-11-24T08:00:00Z"}`, "after"},
		{"", `{"after":-1}`, "after"},
		{"", `{"after":5,"to":5}`, "to"},
		{"", `{"after":0,"to":0}`, "to"},
		{"", `{"since":"yesterday"}`, "since"},
		{"", `{"after":0,"bucket":"-1"}`, "bucket"},
		{"", `{"after":0,"stream":"x"}`, "stream"},
		{"", `{"after":0,"state":"parked"}`, "state"},
	} {
		var err error
		if c.verb == "" {
			_, err = wire.DecodeReplay([]byte(c.body))
		} else {
			_, err = wire.DecodeOperate(c.verb, []byte(c.body))
		}
		refusal, ok := err.(*kapivara.Error) //nolint:errorlint // nothing wraps it
		if !ok || refusal.Code != kapivara.InvalidRequest || refusal.Facts.Path != c.path {
			t.Errorf("%s %s: got %v, want it refused at %q", c.verb, c.body, err, c.path)
		}
	}
}
