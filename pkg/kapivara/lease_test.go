package kapivara_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
)

var (
	noon   = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	policy = kapivara.Policy{AckWait: time.Minute, MaxAttempts: 3, Backoff: []time.Duration{time.Second, 10 * time.Second}}
)

func answered(v kapivara.Verdict) kapivara.Answer {
	return kapivara.Answer{Verdict: v, Delay: -1, Reason: "because"}
}

// situations are all in which a delivery of two attempts can be.
func situations() map[string]kapivara.Lease {
	second := kapivara.Lease{}.Begin(noon, policy).Silent(noon.Add(time.Minute), false, policy).Begin(noon.Add(2*time.Minute), policy)
	last := second
	last.Counted = policy.MaxAttempts - 1
	later := noon.Add(4 * time.Minute)
	settle := func(l kapivara.Lease, v kapivara.Verdict) kapivara.Lease {
		next, changed, err := l.Settle(2, answered(v), later, policy)
		if !changed || err != nil {
			panic(fmt.Sprint("a leased delivery takes no ", v, ": ", err))
		}
		return next
	}
	pending := second.Silent(later, true, policy)
	pending.State = kapivara.Pending
	discarded := second
	discarded.State = kapivara.Discarded
	return map[string]kapivara.Lease{
		"leased":                    second,
		"leased for the last time":  last,
		"silent, not counted":       second.Silent(later, false, policy),
		"silent, counted":           second.Silent(later, true, policy),
		"parked for its silence":    last.Silent(later, true, policy),
		"committed":                 settle(second, kapivara.Ack),
		"hidden by a nak":           settle(second, kapivara.Nak),
		"parked by a nak":           settle(last, kapivara.Nak),
		"parked by a term":          settle(second, kapivara.Term),
		"pending after its silence": pending,
		"discarded":                 discarded,
	}
}

// outcome is a state and how many attempts count in it; "same" confirms again, "stale" refuses.
func outcome(l kapivara.Lease, v kapivara.Verdict, now time.Time) string {
	next, changed, err := l.Settle(2, answered(v), now, policy)
	switch {
	case err != nil:
		var refusal *kapivara.Error
		if !errors.As(err, &refusal) || refusal.Code != kapivara.StaleToken || changed || next != l {
			return "wrong refusal"
		}
		return "stale"
	case !changed:
		if next != l {
			return "changed silently"
		}
		return "same"
	}
	return fmt.Sprintf("%s %d", next.State, next.Counted)
}

func TestEveryAnswerInEverySituation(t *testing.T) {
	t.Parallel()
	verdicts := []kapivara.Verdict{kapivara.Ack, kapivara.Nak, kapivara.Progress, kapivara.Term}
	want := map[string]string{
		//                           ack          nak         progress    term
		"leased":                    "committed 0, hidden 1, leased 0, parked 0",
		"leased for the last time":  "committed 2, parked 3, leased 2, parked 2",
		"silent, not counted":       "committed 0, hidden 1, hidden 0, parked 0",
		"silent, counted":           "committed 1, hidden 1, hidden 1, parked 1",
		"parked for its silence":    "committed 3, parked 3, stale, parked 3",
		"committed":                 "same, stale, stale, stale",
		"hidden by a nak":           "stale, same, stale, stale",
		"parked by a nak":           "stale, same, stale, stale",
		"parked by a term":          "stale, stale, stale, same",
		"pending after its silence": "committed 1, hidden 1, hidden 1, parked 1",
		"discarded":                 "stale, stale, stale, stale",
	}
	for name, l := range situations() {
		var got []string
		for _, v := range verdicts {
			got = append(got, outcome(l, v, noon.Add(5*time.Minute)))
		}
		if got := strings.Join(got, ", "); got != want[name] {
			t.Errorf("%s: ack, nak, progress, term: got %s, want %s", name, got, want[name])
		}
		for _, attempt := range []int{0, 1, 3} {
			if _, changed, err := l.Settle(attempt, answered(kapivara.Ack), noon, policy); err == nil || changed {
				t.Errorf("%s: the ack of attempt %d is taken, the last attempt is 2", name, attempt)
			}
		}
	}
	if _, _, err := (kapivara.Lease{}).Settle(0, answered(kapivara.Ack), noon, policy); err == nil {
		t.Error("a delivery that was never sent takes an answer")
	}
}

func TestTheTimesOfALease(t *testing.T) {
	t.Parallel()
	first := kapivara.Lease{}.Begin(noon, policy)
	if first.Attempt != 1 || !first.Until.Equal(noon.Add(time.Minute)) || !first.Sent.Equal(noon) {
		t.Errorf("got %+v", first)
	}
	until := func(l kapivara.Lease, a kapivara.Answer, at time.Duration) time.Duration {
		next, _, err := l.Settle(l.Attempt, a, noon.Add(at), policy)
		if err != nil {
			t.Fatal(err)
		}
		return next.Until.Sub(noon)
	}
	nak := func(delay time.Duration) kapivara.Answer { return kapivara.Answer{Verdict: kapivara.Nak, Delay: delay} }
	progress := kapivara.Answer{Verdict: kapivara.Progress}
	silent := first.Silent(noon.Add(time.Minute), false, policy)
	for name, c := range map[string]struct{ got, want time.Duration }{
		"a nak hides by the backoff":               {until(first, nak(-1), time.Second), 2 * time.Second},
		"a nak hides by its own delay":             {until(first, nak(time.Hour), 0), time.Hour},
		"a nak may have no delay at all":           {until(first, nak(0), time.Second), time.Second},
		"a nak hides for a hundred years at most":  {until(first, nak(1<<63-1), 0), kapivara.MaxDelay},
		"silence hides by the backoff":             {silent.Until.Sub(noon), time.Minute + time.Second},
		"progress moves the deadline":              {until(first, progress, time.Second), time.Minute + time.Second},
		"progress may come late":                   {until(silent, progress, time.Minute), 2 * time.Minute},
		"the second attempt has the second pause":  {until(silent.Begin(noon, policy), nak(-1), 0), 10 * time.Second},
		"later attempts have the last":             {until(kapivara.Lease{Attempt: 7}.Begin(noon, policy), nak(-1), 0), 10 * time.Second},
		"where there is no backoff it is a second": {kapivara.Policy{}.After(3), time.Second},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", name, c.got, c.want)
		}
	}
}

func TestAttemptsCount(t *testing.T) {
	t.Parallel()
	unlimited := policy
	unlimited.MaxAttempts = 0
	for name, c := range map[string]struct {
		policy   kapivara.Policy
		answered bool
		parks    int // after so many silences, 0 for never
	}{
		"the silence of a subscriber that answers others": {policy, true, 3},
		"the silence of an onlooker":                      {policy, false, 0},
		"silence without a limit":                         {unlimited, true, 0},
	} {
		l, parked := kapivara.Lease{}, 0
		for n := 1; n <= 50 && parked == 0; n++ {
			if l = l.Begin(noon, c.policy).Silent(noon.Add(time.Minute), c.answered, c.policy); l.State == kapivara.Parked {
				parked = n
			}
		}
		if parked != c.parks {
			t.Errorf("%s: parked after %d, want %d", name, parked, c.parks)
		}
	}
	if l := (kapivara.Lease{State: kapivara.Hidden, Attempt: 1}); l.Silent(noon, true, policy) != l {
		t.Error("what is not leased falls silent")
	}
}

func TestWhatIsConfirmed(t *testing.T) {
	t.Parallel()
	all := situations()
	for name, c := range map[string]struct {
		lease   string
		verdict kapivara.Verdict
		want    kapivara.State
	}{
		"a commit":                   {"committed", kapivara.Ack, kapivara.Committed},
		"a nak":                      {"hidden by a nak", kapivara.Nak, kapivara.Hidden},
		"a nak that parks":           {"parked by a nak", kapivara.Nak, kapivara.Parked},
		"a term":                     {"parked by a term", kapivara.Term, kapivara.Parked},
		"progress":                   {"leased", kapivara.Progress, kapivara.Leased},
		"progress after the silence": {"silent, counted", kapivara.Progress, kapivara.Leased},
	} {
		l := all[c.lease]
		got := l.Reply(c.verdict)
		if got.State != c.want {
			t.Errorf("%s: got %s, want %s", name, got.State, c.want)
		}
		if until := got.Until.IsZero(); until != (c.want != kapivara.Hidden) {
			t.Errorf("%s: got until %v", name, got.Until)
		}
		if deadline := got.Deadline.IsZero(); deadline != (c.want != kapivara.Leased) {
			t.Errorf("%s: got deadline %v", name, got.Deadline)
		}
	}
}

func TestAReasonIsKeptShort(t *testing.T) {
	t.Parallel()
	l, _, err := kapivara.Lease{}.Begin(noon, policy).Settle(1, kapivara.Answer{Verdict: kapivara.Term, Reason: strings.Repeat("ü", 150)}, noon, policy)
	if err != nil || l.Reason != strings.Repeat("ü", 100) {
		t.Errorf("got %q, %v, want the first 200 bytes", l.Reason, err)
	}
	silent := situations()["parked for its silence"]
	if silent.Reason != "no answer in time, 3 attempts" {
		t.Errorf("got %q", silent.Reason)
	}
}

// A pull has an attempt only while it is leased: whatever ends that, an operator included, ends the loan, and progress keeps it.
func TestOnlyWhatIsLeasedIsPulled(t *testing.T) {
	lent := kapivara.Lease{}.Begin(noon, policy).Lend(noon.Add(time.Hour), policy)
	if want := noon.Add(time.Hour + policy.AckWait); !lent.Pulled || lent.Attempt != 1 || !lent.Until.Equal(want) || lent.TakeBack().Pulled {
		t.Errorf("lent it is %+v, want attempt 1 until %v", lent, want)
	}
	later := lent.Sent.Add(time.Minute)
	nexts := map[string]kapivara.Lease{
		"silent": lent.Silent(later, true, policy), "void": lent.Void(), "abandoned": lent.Abandon(true, policy),
		"begun anew": lent.Void().Begin(later, policy),
	}
	for _, v := range []kapivara.Verdict{kapivara.Ack, kapivara.Nak, kapivara.Term, kapivara.Progress} {
		next, changed, err := lent.Settle(1, answered(v), later, policy)
		if !changed || err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		nexts[string(v)] = next
	}
	for _, v := range []kapivara.Verb{kapivara.Hide, kapivara.Park, kapivara.Discard} {
		nexts[string(v)], _ = lent.Operate(&kapivara.Operation{Verb: v, Delay: time.Hour}, later)
	}
	for name, next := range nexts {
		if next.Pulled != (name == string(kapivara.Progress)) {
			t.Errorf("%s: it is %+v", name, next)
		}
	}
}
