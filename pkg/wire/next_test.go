package wire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func TestDecodeNextIsStrictAndHasDefaults(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", `{"bucket":null,"node":null,"batch":null,"wait":null}`} {
		if q, err := wire.DecodeNext("billing", []byte(body)); err != nil || q != (kapivara.NextQuery{Batch: 1}) {
			t.Errorf("%q: got %+v, %v, want a batch of 1 and no wait", body, q, err)
		}
	}
	bucket := kapivara.Bucket(-3)
	want := kapivara.NextQuery{Bucket: &bucket, Node: "n-1", Batch: 100, Wait: 30 * time.Second}
	got, err := wire.DecodeNext("billing", wire.EncodeNext(&want))
	if err != nil || *got.Bucket != bucket || got.Node != want.Node || got.Batch != want.Batch || got.Wait != want.Wait {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for body, path := range map[string]string{
		`{"batch":0}`: "batch", `{"batch":101}`: "batch", `{"batch":-1}`: "batch", `{"batch":"1"}`: "batch", `{"batch":1.5}`: "batch",
		`{"wait":"31s"}`: "wait", `{"wait":"30001ms"}`: "wait", `{"wait":1}`: "wait", `{"wait":"-1s"}`: "wait", `{"wait":""}`: "wait",
		`{"bucket":""}`: "bucket", `{"bucket":"01"}`: "bucket", `{"bucket":1}`: "bucket", `{"node":""}`: "node", `{"node":"a.b"}`: "node",
		`{"Batch":1}`: "Batch", `{"batch":1,"batch":1}`: "batch", `[]`: "", `{} {}`: "",
	} {
		_, err := wire.DecodeNext("billing", []byte(body))
		var refusal *kapivara.Error
		if !errors.As(err, &refusal) || refusal.Code != kapivara.InvalidRequest || refusal.Facts.Path != path {
			t.Errorf("%s: got %v, want invalid_request at %q", body, err, path)
		}
	}
	if _, err := wire.DecodeNext("Billing", nil); err == nil {
		t.Error("a subscriber in capitals is taken")
	}
}

// A reply never passes the limit, whatever is put into it; what has no room goes by reference, and nothing is left out.
func TestTheReplyOfNextStaysBelowTheLimit(t *testing.T) {
	t.Parallel()
	of := func(data int) kapivara.Delivery {
		return kapivara.Delivery{
			Subscriber: strings.Repeat("s", 63), Bucket: -1024, Buckets: 1024, Number: 1 << 52, Attempt: 1 << 30, Cause: kapivara.CauseComplete,
			Stream:  kapivara.Stream(strings.Repeat("c", 63) + "/" + strings.Repeat("s", 63) + "/" + strings.Repeat("t", 63) + "/" + strings.Repeat(`"`, 200)),
			Version: 1, Finish: 1, Complete: true, From: 1, To: 1, AckWait: time.Hour, Deadline: time.Now(), Token: strings.Repeat("T", 64),
			Events: []kapivara.Event{{
				NewEvent: kapivara.NewEvent{ID: "e", Type: "t", Position: 1, Kind: kapivara.JSONData, Data: bytes.Repeat([]byte("1"), data)},
				Stream:   "a/b/c/d", Publisher: "p", Recorded: time.Now(), LogPosition: 1,
			}},
		}
	}
	for name, sizes := range map[string][]int{
		"one that fills it": {wire.MaxReply - 2200}, "one that does not fit": {wire.MaxReply}, "a hundred small ones": make([]int, 100),
		"a large one before small ones": append([]int{900 << 10}, make([]int, 99)...), "two large ones": {600 << 10, 600 << 10},
		"a large one at the end": append(make([]int, 99), 1000<<10),
	} {
		deliveries := make([]kapivara.Delivery, len(sizes))
		for i, size := range sizes {
			deliveries[i] = of(max(size, 1))
		}
		body := wire.AppendNext(nil, deliveries)
		got, err := wire.DecodeNextReply(body)
		if err != nil || len(got) != len(sizes) || len(body) > wire.MaxReply {
			t.Fatalf("%s: got %d deliveries in %d bytes, %v", name, len(got), len(body), err)
		}
		whole := 0
		for i := range got {
			if got[i].Token == "" || (got[i].Events == nil) != (got[i].Elsewhere != nil) {
				t.Errorf("%s: delivery %d has neither events nor where they are", name, i)
			}
			if got[i].Events != nil {
				whole++
			}
		}
		if whole == 0 && name != "one that does not fit" {
			t.Errorf("%s: all go by reference", name)
		}
	}
}
