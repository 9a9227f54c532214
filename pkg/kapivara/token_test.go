package kapivara_test

import (
	"math"
	"strings"
	"testing"

	"kapivara/pkg/kapivara"
)

var tokenKey = []byte("a key of the tests")

func TestATokenNamesOneAttempt(t *testing.T) {
	t.Parallel()
	seen := map[string]kapivara.Token{}
	for _, want := range []kapivara.Token{
		{Bucket: 1, Number: 1, Attempt: 1},
		{Bucket: 1, Number: 1, Attempt: 2},
		{Bucket: 1, Number: 2, Attempt: 1},
		{Bucket: 2, Number: 1, Attempt: 1},
		{Bucket: 1, Number: 1, Attempt: 1, Claim: 1},
		{Bucket: 300, Number: 1 << 40, Attempt: 70000, Claim: 1 << 50},
		{Bucket: math.MaxInt32, Number: math.MaxInt64, Attempt: math.MaxInt32, Claim: math.MaxInt64},
	} {
		text := want.Sign(tokenKey)
		if got, ok := kapivara.ParseToken(tokenKey, text); !ok || got != want {
			t.Errorf("got %+v, %v from %q, want %+v", got, ok, text, want)
		}
		if text != want.Sign(tokenKey) {
			t.Errorf("%+v has two tokens", want)
		}
		if strings.ContainsAny(text, ".*> ") || len(text) > 64 {
			t.Errorf("%q is no token of a subject", text)
		}
		if other, twice := seen[text]; twice {
			t.Errorf("%+v and %+v have the same token", want, other)
		}
		seen[text] = want
		if _, ok := kapivara.ParseToken([]byte("another key"), text); ok {
			t.Errorf("%q is good with another key", text)
		}
	}
}

func TestATokenThatWasChangedIsNone(t *testing.T) {
	t.Parallel()
	text := kapivara.Token{Bucket: 7, Number: 1042, Attempt: 3}.Sign(tokenKey)
	for i := range len(text) {
		for _, c := range "AZaz09-_" {
			changed := text[:i] + string(c) + text[i+1:]
			if _, ok := kapivara.ParseToken(tokenKey, changed); ok && changed != text {
				t.Errorf("%q is good, and so is %q", text, changed)
			}
		}
	}
	for _, bad := range []string{"", "A", text[:len(text)-1], text + "A", text + "=", strings.Repeat("A", 1000), "äöü", "\x00"} {
		if got, ok := kapivara.ParseToken(tokenKey, bad); ok {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add("", int32(0), int64(0), 0, int64(0))
	f.Add(kapivara.Token{Bucket: 1, Number: 2, Attempt: 3}.Sign(tokenKey), int32(1), int64(2), 3, int64(4))
	f.Fuzz(func(t *testing.T, text string, bucket int32, number int64, attempt int, claim int64) {
		if got, ok := kapivara.ParseToken(tokenKey, text); ok && got.Sign(tokenKey) != text {
			t.Errorf("%q is read as %+v, whose token it is not", text, got)
		}
		want := kapivara.Token{Bucket: bucket, Number: number, Attempt: int(uint32(attempt)), Claim: claim}
		if got, ok := kapivara.ParseToken(tokenKey, want.Sign(tokenKey)); !ok || got != want {
			t.Errorf("got %+v, %v, want %+v", got, ok, want)
		}
	})
}
