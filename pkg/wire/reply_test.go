package wire_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func TestAReplyToAnAppendGoesThereAndBack(t *testing.T) {
	t.Parallel()
	for _, want := range []kapivara.AppendResult{
		{Stream: "a/b/c/\"ü\"", Version: 7, Contiguous: 5, Finish: 9, Complete: true, Events: []kapivara.Placed{
			{ID: "e\\1", Position: 7, LogPosition: 1 << 40, Stored: true}, {ID: "e2", Position: 3, LogPosition: 2},
		}},
		{Stream: "a/b/c/d", Version: 1, Contiguous: 1, Events: []kapivara.Placed{{ID: "e", Position: 1, LogPosition: 1, Stored: true}}},
	} {
		got, err := wire.DecodeAppendReply(wire.AppendReply(nil, &want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want(-) got(+):\n%s", diff)
		}
	}
}

func TestDecodeAppendReplyPassesOverWhatALaterVersionAdds(t *testing.T) {
	t.Parallel()
	got, err := wire.DecodeAppendReply([]byte(`{"new":{"events":[]},"events":[{"id":"e","hash":"x"}],"finish":null}`))
	if err != nil || len(got.Events) != 1 || got.Events[0].ID != "e" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDecodeAppendReplyRefusesWhatSomebodyElseSays(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "+ACK", `{"stream":"S","seq":1}`, `[]`, `{"events":null}`, `{"events":[1]}`, `{"events":[]}x`} {
		_, err := wire.DecodeAppendReply([]byte(body))
		var refusal *kapivara.Error
		if !errors.As(err, &refusal) || refusal.Code != kapivara.Internal {
			t.Errorf("%q: got %v, want internal", body, err)
		}
	}
}

func FuzzDecodeAppendReply(f *testing.F) {
	f.Add([]byte(`{"stream":"a/b/c/d","version":7,"contiguous":7,"finish":null,"complete":false,"events":[{"id":"e","position":7,"log_position":9,"stored":true}]}`))
	f.Add([]byte(`{"events":[{"position":-1,"log_position":99999999999999999999}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		first, err := wire.DecodeAppendReply(body)
		if err != nil {
			return
		}
		second, err := wire.DecodeAppendReply(wire.AppendReply(nil, &first))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("first(-) second(+):\n%s", diff)
		}
	})
}
