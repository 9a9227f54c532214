package wire_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func TestClaimsAreReadStrictly(t *testing.T) {
	t.Parallel()
	for body, path := range map[string]string{
		`{"node":"n1"}`:                             "",
		`{"node":"n1","count":4,"ttl":"1s"}`:        "",
		`{"node":"n1","buckets":["0","canary-3"]}`:  "",
		`{"node":"n1","count":null,"buckets":null}`: "",
		`{}`:                         "node",
		`{"count":0}`:                "count",
		`{"node":""}`:                "node",
		`{"node":"N1"}`:              "node",
		`{"node":"a.b"}`:             "node",
		`{"node":"*"}`:               "node",
		`{"node":"n1","count":0}`:    "count",
		`{"node":"n1","count":-1}`:   "count",
		`{"node":"n1","count":1.5}`:  "count",
		`{"node":"n1","count":2049}`: "count",
		`{"node":"n1","count":1,"buckets":["0"]}`: "count",
		`{"node":"n1","buckets":[]}`:              "buckets",
		`{"node":"n1","buckets":["0","0"]}`:       "buckets[1]",
		`{"node":"n1","buckets":["01"]}`:          "buckets[0]",
		`{"node":"n1","buckets":["canary-1024"]}`: "buckets[0]",
		`{"node":"n1","buckets":[0]}`:             "buckets[0]",
		`{"node":"n1","ttl":"999ms"}`:             "ttl",
		`{"node":"n1","ttl":"301s"}`:              "ttl",
		`{"node":"n1","ttl":10}`:                  "ttl",
		`{"node":"n1","ttl":"soon"}`:              "ttl",
		`{"node":"n1","epoch":3}`:                 "epoch",
		`{"node":"n1","node":"n2"}`:               "node",
	} {
		_, err := wire.DecodeClaim([]byte(body))
		checkPath(t, body, err, path)
	}
	for body, path := range map[string]string{
		`{"node":"n1"}`:                        "",
		`{"node":"n1","buckets":["canary-0"]}`: "",
		`{"node":"n1","buckets":[]}`:           "buckets",
		`{"node":"n1","ttl":"1s"}`:             "ttl",
		`{"buckets":["0"]}`:                    "node",
	} {
		_, err := wire.DecodeRelease([]byte(body))
		checkPath(t, body, err, path)
	}
}

func checkPath(t *testing.T, body string, err error, path string) {
	t.Helper()
	var refusal *kapivara.Error
	switch {
	case path == "" && err != nil:
		t.Errorf("%s: %v", body, err)
	case path != "" && (!errors.As(err, &refusal) || refusal.Code != kapivara.InvalidRequest || refusal.Facts.Path != path):
		t.Errorf("%s: got %v, want invalid_request at %s", body, err, path)
	}
}

func TestClaimsComeBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for _, want := range []kapivara.ClaimRequest{
		{Node: "n1", TTL: 10 * time.Second},
		{Node: "n1", Count: 4, TTL: 1500 * time.Millisecond},
		{Node: "n1", Buckets: []kapivara.Bucket{0, -2}, TTL: 5 * time.Minute},
	} {
		got, err := wire.DecodeClaim(wire.EncodeClaim(&want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v and error %v, want %+v", got, err, want)
		}
	}
	release := kapivara.ReleaseRequest{Node: "n1", Buckets: []kapivara.Bucket{7}}
	if got, err := wire.DecodeRelease(wire.EncodeRelease(&release)); err != nil || !reflect.DeepEqual(got, release) {
		t.Errorf("got %+v and error %v, want %+v", got, err, release)
	}
	claimed := []kapivara.Claimed{{Bucket: 3, Epoch: 17}, {Bucket: -1, Epoch: 1}}
	if got, err := wire.DecodeClaimed(wire.AppendClaimed(nil, claimed)); err != nil || !reflect.DeepEqual(got, claimed) {
		t.Errorf("got %+v and error %v, want %+v", got, err, claimed)
	}
	for _, body := range []string{``, `{}`, `{"error":{}}`, `{"buckets":[{"bucket":"x","epoch":1}]}`} {
		if _, err := wire.DecodeClaimed([]byte(body)); err == nil {
			t.Errorf("%s passes for an answer to a claim", body)
		}
	}
}
