package wire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func TestAnEncodedAppendIsDecodedAsItWas(t *testing.T) {
	t.Parallel()
	yes := true
	for name, want := range map[string]kapivara.Append{
		"all there is": {
			Stream: "a/b/c/d e/é\"", Expect: kapivara.ExpectVersion(3), Canary: &yes,
			Events: []kapivara.NewEvent{{
				ID: "x\\", Type: "t é", Source: "/s", Time: "2026-01-31T09:30:00+01:00", Position: 4, Final: true,
				Kind: kapivara.JSONData, Data: []byte(`{"b": [1.50, "\u00e9"]}`), Attributes: []byte(`"subject":"s","n":7`),
			}},
		},
		"nothing but the names": {Stream: "a/b/c/d", Events: []kapivara.NewEvent{{ID: "1", Type: "t"}, {ID: "2", Type: "t"}}},
		"bytes":                 {Stream: "a/b/c/d", Expect: kapivara.ExpectNew(), Events: []kapivara.NewEvent{{ID: "1", Type: "t", Kind: kapivara.BinaryData, Data: []byte{0, 255}}}},
	} {
		got, err := wire.DecodeAppend(wire.EncodeAppend(nil, &want), wire.DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b kapivara.Expect) bool { return a == b })); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
