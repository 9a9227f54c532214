package porttest

import (
	"errors"
	"testing"

	"kapivara/pkg/kapivara"
)

func to[T any](v T) *T { return &v }

func must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantCode(t *testing.T, err error, want kapivara.Code) {
	t.Helper()
	var refusal *kapivara.Error
	if !errors.As(err, &refusal) || refusal.Code != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
