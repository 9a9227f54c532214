package kapivara_test

import (
	"strings"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
)

// unsent is a delivery that an operator has given its number before its first attempt.
func unsent() kapivara.Lease {
	l, _ := kapivara.Lease{State: kapivara.Pending}.Operate(&kapivara.Operation{Verb: kapivara.Park}, noon)
	return l
}

// Every verb on every situation: the state after it, "-" where it changes nothing. After every change all answers to the
// attempt are stale (I-16), and attempts and their count stand as they were (I-15).
func TestEveryVerbInEverySituation(t *testing.T) {
	t.Parallel()
	verbs := []kapivara.Verb{kapivara.Hide, kapivara.Park, kapivara.Retry, kapivara.Discard}
	want := map[string]string{
		//                           hide    park    retry    discard
		"leased":                    "hidden, parked, -, discarded",
		"leased for the last time":  "hidden, parked, -, discarded",
		"silent, not counted":       "hidden, parked, pending, discarded",
		"silent, counted":           "hidden, parked, pending, discarded",
		"parked for its silence":    "-, -, pending, discarded",
		"committed":                 "-, -, -, -",
		"hidden by a nak":           "hidden, parked, pending, discarded",
		"parked by a nak":           "-, -, pending, discarded",
		"parked by a term":          "-, -, pending, discarded",
		"pending after its silence": "hidden, parked, -, discarded",
		"discarded":                 "-, -, -, -",
		"never sent":                "hidden, parked, -, discarded",
		"parked unsent":             "-, -, pending, discarded",
	}
	all := situations()
	all["never sent"] = kapivara.Lease{State: kapivara.Pending}
	all["parked unsent"] = unsent()
	later := noon.Add(time.Hour)
	for name, l := range all {
		var got []string
		for _, v := range verbs {
			op := &kapivara.Operation{Verb: v, Delay: time.Minute, Reason: "spring cleaning"}
			next, changed := l.Operate(op, later)
			if changed != v.Takes(l.State) {
				t.Errorf("%s: %s changes it: %v, and says that it takes it: %v", name, v, changed, v.Takes(l.State))
			}
			if !changed {
				got = append(got, "-")
				if next != l {
					t.Errorf("%s: %s has changed it silently to %+v", name, v, next)
				}
				continue
			}
			got = append(got, string(next.State))
			if next.Attempt != l.Attempt || next.Counted != l.Counted || next.Reason != "spring cleaning" {
				t.Errorf("%s: %s has made attempt %d of %d counted for %q of it", name, v, next.Attempt, next.Counted, next.Reason)
			}
			for _, a := range []kapivara.Verdict{kapivara.Ack, kapivara.Nak, kapivara.Progress, kapivara.Term} {
				if _, again, err := next.Settle(l.Attempt, answered(a), later, policy); err == nil || again {
					t.Errorf("%s: after %s its token takes %s", name, v, a)
				}
			}
		}
		if got := strings.Join(got, ", "); got != want[name] {
			t.Errorf("%s: hide, park, retry, discard: got %s, want %s", name, got, want[name])
		}
	}
}

func TestTheTimesOfAnOperation(t *testing.T) {
	t.Parallel()
	l := situations()["leased"]
	later := noon.Add(time.Hour)
	until := noon.Add(48 * time.Hour)
	for name, c := range map[string]struct {
		op   kapivara.Operation
		want time.Time
	}{
		"hide until":            {kapivara.Operation{Verb: kapivara.Hide, Until: until}, until},
		"hide for":              {kapivara.Operation{Verb: kapivara.Hide, Delay: time.Minute}, later.Add(time.Minute)},
		"hide for far too long": {kapivara.Operation{Verb: kapivara.Hide, Delay: 1<<63 - 1}, later.Add(kapivara.MaxDelay)},
		"park":                  {kapivara.Operation{Verb: kapivara.Park}, time.Time{}},
		"discard":               {kapivara.Operation{Verb: kapivara.Discard}, time.Time{}},
	} {
		got, _ := l.Operate(&c.op, later)
		if !got.Until.Equal(c.want) {
			t.Errorf("%s: got until %v, want %v", name, got.Until, c.want)
		}
		if !strings.HasSuffix(got.Reason, " by an operator") {
			t.Errorf("%s: the reason without one is %q", name, got.Reason)
		}
	}
	hidden, _ := l.Operate(&kapivara.Operation{Verb: kapivara.Hide, Until: until}, later)
	if next, _ := hidden.Operate(&kapivara.Operation{Verb: kapivara.Retry}, later); next.Until.After(later) || next.Reason != "" {
		t.Errorf("a retry waits until %v for %q", next.Until, next.Reason)
	}
	parked, _ := hidden.Operate(&kapivara.Operation{Verb: kapivara.Park}, later)
	if !parked.Until.IsZero() {
		t.Errorf("what is parked is still hidden until %v", parked.Until)
	}
}

// I-20: retry sends what is parked once more, however often it was tried, and the next failure parks it again. An
// onlooker's silence is no attempt then either.
func TestARetryIsOneMoreAttempt(t *testing.T) {
	t.Parallel()
	retry := &kapivara.Operation{Verb: kapivara.Retry}
	for _, name := range []string{"parked by a nak", "parked for its silence"} {
		l := situations()[name]
		for n := 1; n <= 3; n++ {
			l, _ = l.Operate(retry, noon)
			l = l.Begin(noon, policy)
			if l.Attempt != 2+n || l.Counted != policy.MaxAttempts+n-1 {
				t.Fatalf("%s, retry %d: attempt %d with %d counted", name, n, l.Attempt, l.Counted)
			}
			if onlooker := l.Silent(noon, false, policy); onlooker.State != kapivara.Hidden {
				t.Errorf("%s: the silence of an onlooker makes it %s", name, onlooker.State)
			}
			silent := l.Silent(noon, true, policy)
			l, _, _ = l.Settle(l.Attempt, answered(kapivara.Nak), noon, policy)
			if l.State != kapivara.Parked || silent.State != kapivara.Parked {
				t.Fatalf("%s, retry %d: a nak makes it %s, silence %s", name, n, l.State, silent.State)
			}
		}
	}
	first, _ := unsent().Operate(retry, noon)
	if first = first.Begin(noon, policy); first.Attempt != 1 || first.Counted != 0 {
		t.Errorf("the first attempt after a retry is %d with %d counted", first.Attempt, first.Counted)
	}
}

func TestWhatAnOperationNames(t *testing.T) {
	t.Parallel()
	bucket := kapivara.Bucket(3)
	numbers := []kapivara.Numbering{{Bucket: 3, Number: 1042}}
	for name, c := range map[string]struct {
		op   kapivara.Operation
		path string // of the refusal, "-" for none
		all  bool   // what has no number is meant as well
	}{
		"numbers":                {kapivara.Operation{Verb: kapivara.Park, Numbers: numbers}, "-", false},
		"a stream":               {kapivara.Operation{Verb: kapivara.Park, Stream: "a/b/c/1"}, "-", true},
		"a stream to retry":      {kapivara.Operation{Verb: kapivara.Retry, Stream: "a/b/c/1"}, "-", false},
		"a state":                {kapivara.Operation{Verb: kapivara.Retry, State: kapivara.Parked, Bucket: &bucket}, "-", false},
		"what is pending":        {kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Pending}, "-", true},
		"nothing":                {kapivara.Operation{Verb: kapivara.Park}, "", false},
		"two things":             {kapivara.Operation{Verb: kapivara.Retry, Stream: "a/b/c/1", State: kapivara.Parked}, "", false},
		"a stream and a bucket":  {kapivara.Operation{Verb: kapivara.Retry, Stream: "a/b/c/1", Bucket: &bucket}, "bucket", false},
		"what it never changes":  {kapivara.Operation{Verb: kapivara.Retry, State: kapivara.Leased}, "state", false},
		"what is committed":      {kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Committed}, "state", false},
		"no state that there is": {kapivara.Operation{Verb: kapivara.Discard, State: "lost"}, "state", false},
	} {
		err := c.op.Check()
		if refused := err != nil; refused != (c.path != "-") {
			t.Errorf("%s: got %v", name, err)
		} else if refused && err.(*kapivara.Error).Facts.Path != c.path { //nolint:errorlint,forcetypeassert // nothing wraps it
			t.Errorf("%s: got %v, want the path %q", name, err, c.path)
		}
		if c.path == "-" && c.op.Unnumbered() != c.all {
			t.Errorf("%s: what has no number is meant: %v, want %v", name, c.op.Unnumbered(), c.all)
		}
	}
	many := kapivara.Operation{Verb: kapivara.Park, Numbers: make([]kapivara.Numbering, kapivara.MaxNumbers+1)}
	if kapivara.CodeOf(many.Check()) != kapivara.TooLarge {
		t.Error("too many numbers are taken")
	}
	for _, r := range []kapivara.Replay{{After: -1}, {After: 5, To: 5}, {To: -1}} {
		if kapivara.CodeOf(r.Check()) != kapivara.InvalidRequest {
			t.Errorf("the range %+v is taken", r)
		}
	}
}
