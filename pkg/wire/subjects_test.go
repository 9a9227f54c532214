package wire_test

import (
	"slices"
	"strings"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func TestSubjectsAreThoseOfTheProtocol(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		wire.Append("loans-api"):                                "kapivara.v1.append.loans-api",
		wire.AppendMany("loans-api"):                            "kapivara.v1.append-many.loans-api",
		wire.Read("log", "_"):                                   "kapivara.v1.read.log._",
		wire.Registry("subscriber", "set", "billing"):           "kapivara.v1.registry.subscriber.set.billing",
		wire.Registry("publisher", "list"):                      "kapivara.v1.registry.publisher.list",
		wire.BucketSubject("billing", 3):                        "kapivara.v1.bucket.billing.3",
		wire.BucketNodeSubject("billing", -1, "n1"):             "kapivara.v1.bucket.billing.canary-0.n1",
		wire.SettleRequest("billing"):                           "kapivara.v1.settle.billing",
		wire.SettleSubject("billing", "tok"):                    "kapivara.v1.settle.billing.tok",
		wire.Claim("billing"):                                   "kapivara.v1.claim.billing",
		wire.Release("billing"):                                 "kapivara.v1.release.billing",
		wire.Next("billing"):                                    "kapivara.v1.next.billing",
		wire.Operate("park", "billing"):                         "kapivara.v1.delivery.park.billing",
		wire.WatchLog("lending/loans/application/A/B.C *"):      "kapivara.v1.watch.log.lending.loans.application",
		wire.WatchBucket("billing", kapivara.Bucket(7)):         "kapivara.v1.watch.bucket.billing.7",
		wire.WatchParked("billing"):                             "kapivara.v1.watch.parked.billing",
		strings.Join(wire.Tokens("kapivara.v1.append.x"), " "):  "append x",
		strings.Join(wire.Tokens("kapivara.v2.append.x"), " "):  "",
		strings.Join(wire.Tokens("xkapivara.v1.append.x"), " "): "",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// FuzzSubjects: what a subject is taken apart into gives that subject again, and nothing in it is more than one token.
func FuzzSubjects(f *testing.F) {
	for _, seed := range []string{
		"kapivara.v1.settle.billing.tok", "kapivara.v1.settle.billing.*", "kapivara.v1.settle.>.x", "kapivara.v1.settle.billing.",
		"kapivara.v1.settle.billing.a.b", "kapivara.v1.settle.bil ling.x", "kapivara.v1.settle.billing.\x00", "kapivara.v1.", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		if tokens := wire.Tokens(subject); tokens != nil && wire.Prefix+strings.Join(tokens, ".") != subject {
			t.Fatalf("%q is taken apart into %q", subject, tokens)
		}
		subscriber, token, ok := wire.ParseSettle(subject)
		if !ok {
			return
		}
		if wire.SettleSubject(subscriber, token) != subject {
			t.Fatalf("%q is taken apart into %q and %q", subject, subscriber, token)
		}
		if !slices.Equal(wire.Tokens(subject), []string{"settle", subscriber, token}) || strings.ContainsAny(subject, "*> \x00") {
			t.Fatalf("%q is no subject of one answer", subject)
		}
	})
}
