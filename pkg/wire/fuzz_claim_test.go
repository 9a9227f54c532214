package wire_test

import (
	"reflect"
	"testing"

	"kapivara/pkg/wire"
)

// Whatever a claim is, what is taken is written again as the same claim.
func FuzzDecodeClaim(f *testing.F) {
	for _, seed := range []string{
		`{"node":"n1"}`, `{"node":"n1","count":4,"ttl":"90s"}`, `{"node":"n1","buckets":["0","canary-1023"],"ttl":"1500ms"}`,
		`{"node":"n1","buckets":[]}`, `{"node":null}`, `{"node":"\ud800"}`, `[`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		claim, err := wire.DecodeClaim(body)
		if err == nil {
			again, err := wire.DecodeClaim(wire.EncodeClaim(&claim))
			if err != nil || !reflect.DeepEqual(again, claim) {
				t.Errorf("%q is %+v, and then %+v, %v", body, claim, again, err)
			}
		}
		release, err := wire.DecodeRelease(body)
		if err == nil {
			again, err := wire.DecodeRelease(wire.EncodeRelease(&release))
			if err != nil || !reflect.DeepEqual(again, release) {
				t.Errorf("%q is %+v, and then %+v, %v", body, release, again, err)
			}
		}
	})
}
