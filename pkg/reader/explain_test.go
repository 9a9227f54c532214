package reader_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/reader"
)

var explainNow = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// facts are of a complete stream of three events, due at log position 30 to the subscriber billing, with a dispatcher
// and a node at work.
func facts(change func(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts)) *kapivara.StreamFacts {
	listening := true
	f := &kapivara.StreamFacts{
		StreamState: kapivara.StreamState{Stream: "shop/web/order/1", Version: 3, Contiguous: 3, Finish: 3},
		Completed:   30, Types: []string{"order.placed", "order.paid"}, TypesAt: []int{1, 3}, Now: explainNow, Dispatching: true,
		Subscribers: []kapivara.SubscriberFacts{{
			Subscriber: kapivara.NewSubscriber("billing"), Standing: kapivara.Standing{Listening: &listening}, Dispatching: true,
		}},
	}
	change(f, &f.Subscribers[0])
	return f
}

type factChange = func(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts)

// at puts the delivery into a state.
func at(state kapivara.State, change func(d *kapivara.DeliveryRow)) factChange {
	return func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
		s.Delivery = &kapivara.DeliveryRow{Bucket: 5, Number: 12, Attempt: 2, State: state, LogPosition: 30}
		if change != nil {
			change(s.Delivery)
		}
	}
}

func both(changes ...factChange) factChange {
	return func(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
		for _, c := range changes {
			c(f, s)
		}
	}
}

func rows(changes ...func(d *kapivara.DeliveryRow)) func(d *kapivara.DeliveryRow) {
	return func(d *kapivara.DeliveryRow) {
		for _, c := range changes {
			c(d)
		}
	}
}

func never(d *kapivara.DeliveryRow) { d.Number, d.Attempt = 0, 0 }

func silentSince(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
	s.Standing.SilentSince = explainNow.Add(-time.Hour)
}

func noNode(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) { *s.Standing.Listening = false }

func noDispatch(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
	f.Dispatching, s.Dispatching = false, false
}

func offDuty(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) { s.Dispatching = false }

// grows sets the subscriber to get streams as they grow.
func grows(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
	s.Subscriber.Deliver = kapivara.DeliverAppended
}

// delivered is a committed growth up to a position.
func delivered(to int) factChange {
	return at(kapivara.Committed, func(d *kapivara.DeliveryRow) {
		d.Cause, d.From, d.To, d.Committed = kapivara.CauseAppended, 1, to, explainNow.Add(-time.Minute)
	})
}

// behind has an earlier delivery of the stream in a state.
func behind(state kapivara.State) factChange {
	return both(at(kapivara.Pending, never), func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
		s.Holding = &kapivara.DeliveryRow{
			Bucket: 2, Number: 7, State: state, Reason: "bad IBAN", Until: explainNow.Add(time.Minute), Deadline: explainNow.Add(time.Minute),
		}
	})
}

// full has the bucket's one lease out.
func full(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
	s.InFlight, s.Busy = 1, &kapivara.DeliveryRow{Bucket: 5, Number: 11, Attempt: 1, Deadline: explainNow.Add(time.Minute)}
}

func replayed(d *kapivara.DeliveryRow) { d.Cause = kapivara.CauseReplay }

func open(missing ...kapivara.Range) factChange {
	return func(f *kapivara.StreamFacts, _ *kapivara.SubscriberFacts) {
		f.Completed, f.Finish, f.Missing = 0, 0, missing
	}
}

func TestEachReasonHasItsFacts(t *testing.T) {
	t.Parallel()
	soon, past := explainNow.Add(time.Minute), explainNow.Add(-time.Minute)
	leasedUntil := func(deadline time.Time) factChange {
		return at(kapivara.Leased, func(d *kapivara.DeliveryRow) { d.Deadline = deadline })
	}
	hiddenUntil := func(until time.Time) factChange {
		return at(kapivara.Hidden, func(d *kapivara.DeliveryRow) { d.Until, d.Reason = until, "printer on fire" })
	}
	answered := func(v kapivara.Verdict) factChange {
		return func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) { s.Answer = v }
	}
	for _, c := range []struct {
		name string
		has  factChange
		code string
		says string // in why or next_step
	}{
		{"another stream filter", func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Subscriber.Streams = kapivara.Filter{"bank/*"}
		}, reader.StreamFilter, "streams filter"},
		{"another type filter", func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Subscriber.Types = kapivara.Filter{"invoice.*"}
		}, reader.TypeFilter, "order.placed, order.paid"},
		{"filters in words", func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Subscriber.Streams = kapivara.Filter{"bank/*", "shop/pos/*"}
		}, reader.StreamFilter, "it is bank/*, shop/pos/*"},
		{"types in words", func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Subscriber.Types = kapivara.Filter{"invoice.*"}
		}, reader.TypeFilter, "it is invoice.*"},
		{"no final event", open(), reader.NotFinished, "stands at position 3"},
		{"no final event and holes", open(kapivara.Range{From: 2, To: 2}), reader.NotFinished, "missing: 2"},
		{"holes", func(f *kapivara.StreamFacts, _ *kapivara.SubscriberFacts) {
			f.Completed, f.Contiguous, f.Finish, f.Missing = 0, 1, 9, []kapivara.Range{{From: 2, To: 2}, {From: 4, To: 8}}
		}, reader.MissingEvents, "2, 4-8"},
		{"behind", func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) { s.Gathering = [2]int64{10, 30} }, reader.BeingGathered, "gathered"},
		{"before it was set", func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) { s.Subscriber.LogPosition = 30 }, reader.BeforeStart, "replay"},
		{"before its start", func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Subscriber.Start = kapivara.Start{After: 30}
		}, reader.BeforeStart, "log position 30"},
		{"grows, and begins with a hole", both(open(kapivara.Range{From: 1, To: 2}), grows, func(f *kapivara.StreamFacts, _ *kapivara.SubscriberFacts) {
			f.Contiguous = 0
		}), reader.MissingEvents, "position 1 of the stream is missing"},
		{"grows, and the type that fits is behind a hole", both(open(kapivara.Range{From: 2, To: 2}), grows, func(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			f.Contiguous, s.Subscriber.Types = 1, kapivara.Filter{"order.paid"}
		}), reader.MissingEvents, "up to position 1, before the first missing one"},
		{"grows, and was stored before it was set so", both(open(), grows), reader.NotDue, "mode"},
		{"not due then", func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) { s.Subscriber.LogPosition = 29 }, reader.NotDue, "replay"},
		{"behind an earlier part", func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) { s.Gathering = [2]int64{10, 29} }, reader.NotDue, "replay"},

		{"waits, no dispatcher", both(at(kapivara.Pending, never), noDispatch), reader.NoDispatcher, "start one"},
		{"waits, no node", both(at(kapivara.Pending, never), noNode), reader.NobodyListens, "kapivara.v1.bucket.billing.*"},
		{"waits, and its dispatcher has just gone", both(at(kapivara.Pending, never), offDuty), reader.ChangingDispatcher, "one takes its place"},
		{"waits, and what came before is being gathered", both(at(kapivara.Pending, never), func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Gathering = [2]int64{40, 90}
		}), reader.BeingGathered, "after log position 40 up to 90"},
		{"waits while its buckets change", both(at(kapivara.Pending, never), func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Moving, s.Subscriber.Buckets = true, 16
		}), reader.Moving, "changed to 16"},
		{"to be sent again while its buckets change", both(at(kapivara.Pending, nil), answered(kapivara.TakenAway), func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Moving = true
		}), reader.Retried, "an operator has it sent again"},
		{"waits behind a parked one of its stream", both(behind(kapivara.Parked), noNode), reader.HeldBack, "discard.billing"},
		{"waits behind a hidden one of its stream", behind(kapivara.Hidden), reader.HeldBack, "billing/2/7 until 2026-11-24T12:01:00Z: bad IBAN"},
		{"waits behind a leased one of its stream", behind(kapivara.Leased), reader.HeldBack, "leased: billing/2/7"},
		{"waits behind one of its stream that is to be sent again", behind(kapivara.Pending), reader.HeldBack, "pending: billing/2/7"},
		{"waits behind a full bucket", both(at(kapivara.Pending, never), func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.InFlight, s.Ahead, s.Node = 1, kapivara.MaxAhead, "node-7"
			s.Busy = &kapivara.DeliveryRow{Bucket: 5, Number: 11, Attempt: 3, Stream: "bank/secret/x/1", Deadline: soon}
		}), reader.BucketBusy, "(billing/5/11, attempt 3, until 2026-11-24T12:01:00Z, at node node-7); 1000 or more"},
		{"a replay waits behind live ones", both(at(kapivara.Pending, rows(never, replayed)), func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Ahead = 1
		}), reader.ReplayQueued, "1 delivery goes before it in bucket 5"},
		{"a replay is next", at(kapivara.Pending, rows(never, replayed)), reader.Sending, "next"},
		{"waits behind a silent bucket", both(at(kapivara.Pending, never), silentSince, func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.InFlight = 1
		}), reader.NobodyAnswers, "since 2026-11-24T11:00:00Z"},
		{"waits behind others", both(at(kapivara.Pending, never), func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Ahead = 3
		}), reader.Queued, "3 deliveries go before it in bucket 5"},
		{"is next", at(kapivara.Pending, never), reader.Sending, "next"},
		{"retried by an operator", both(at(kapivara.Pending, func(d *kapivara.DeliveryRow) { d.Reason = "bank is back" }), answered(kapivara.TakenAway)), reader.Retried, "an operator has it sent again: bank is back"},
		{"its bucket went to another node", at(kapivara.Pending, nil), reader.BucketMoved, "bucket 5 went to another node, or to none, before attempt 2"},
		{"to be sent again, but its bucket is full", both(at(kapivara.Pending, nil), answered(kapivara.TakenAway), full), reader.BucketBusy, "max_in_flight allows, 1 (billing/5/11"},
		{"its time has come", hiddenUntil(past), reader.RetryDue, "hidden until 2026-11-24T11:59:00Z"},
		{"refused, and its time has come", both(hiddenUntil(past), answered(kapivara.Nak)), reader.RetryDue, "-NAK to attempt 2: printer on fire, and the time"},
		{"its time has come, but its bucket is full", both(hiddenUntil(past), full), reader.BucketBusy, "max_in_flight allows, 1"},
		{"its time has come, but no node is there", both(hiddenUntil(past), noNode), reader.NobodyListens, "start a node"},
		{"its time has come, but its dispatcher has gone", both(hiddenUntil(past), offDuty), reader.ChangingDispatcher, "2 s"},

		{"leased", leasedUntil(soon), reader.AwaitingAnswer, "2026-11-24T12:01:00Z"},
		{"leased to a node", both(leasedUntil(soon), func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) { s.Node, s.NodeUntil = "node-7", soon }), reader.AwaitingAnswer, "to node node-7, which has claimed bucket 5"},
		{"overdue, and its dispatcher has just gone", both(leasedUntil(past), offDuty), reader.ChangingDispatcher, "2 s"},
		{"leased, no node", both(leasedUntil(soon), noNode), reader.NobodyListens, "start a node"},
		{"leased, silence", both(leasedUntil(soon), silentSince), reader.NobodyAnswers, "onlooker"},
		{"overdue", leasedUntil(past), reader.Overdue, "passed"},
		{"overdue, no dispatcher", both(leasedUntil(past), noDispatch), reader.NoDispatcher, "dispatcher"},
		{"leased, and nobody takes its answer", both(leasedUntil(soon), noDispatch), reader.NoDispatcher, "start one"},
		{"leased, and its dispatcher has just gone", both(leasedUntil(soon), offDuty), reader.AwaitingAnswer, "awaited"},
		{"leased to a node that has gone", both(leasedUntil(soon), func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Node, s.NodeUntil = "node-7", past
		}), reader.NodeGone, "to node node-7, which has claimed bucket 5 and has not renewed that since 2026-11-24T11:59:00Z"},

		{"refused", both(hiddenUntil(soon), answered(kapivara.Nak)), reader.Refused, "attempt 2: printer on fire"},
		{"refused, silent since", both(hiddenUntil(soon), answered(kapivara.Nak), silentSince), reader.Refused, "printer"},
		{"no answer in time", hiddenUntil(soon), reader.NoAnswer, "attempt 2 had no answer"},
		{"no answer at all", both(hiddenUntil(soon), silentSince), reader.NobodyAnswers, "2026-11-24T11:00:00Z"},
		{"hidden by an operator", both(hiddenUntil(soon), answered(kapivara.TakenAway), silentSince), reader.HiddenByOperator, "hidden by an operator: printer on fire; it is sent again after 2026-11-24T12:01:00Z"},
		{"hidden by an operator without a reason", both(at(kapivara.Hidden, func(d *kapivara.DeliveryRow) {
			d.Until, d.Reason = soon, "hidden by an operator"
		}), answered(kapivara.TakenAway)), reader.HiddenByOperator, "it was hidden by an operator; it is sent"},
		{"hidden too long", both(hiddenUntil(past), noDispatch), reader.NoDispatcher, "start one"},

		{"terminated", both(at(kapivara.Parked, func(d *kapivara.DeliveryRow) { d.Reason = "bad IBAN" }), answered(kapivara.Term)), reader.Terminated, "+TERM: bad IBAN"},
		{"refused too often", both(at(kapivara.Parked, nil), answered(kapivara.Nak)), reader.AttemptsRefused, "kapivara.v1.delivery.retry.billing"},
		{"unanswered too often", both(at(kapivara.Parked, nil), func(_ *kapivara.StreamFacts, s *kapivara.SubscriberFacts) {
			s.Missed = true
		}), reader.AttemptsUnanswered, "longer ack_wait"},
		{"its nodes died too often", at(kapivara.Parked, nil), reader.AttemptsAbandoned, "died or went away before it answered"},
		{"parked by an operator", both(at(kapivara.Parked, func(d *kapivara.DeliveryRow) { d.Reason = "wrong month" }), answered(kapivara.TakenAway)), reader.ParkedByOperator, "parked by an operator: wrong month; mend"},
		{"committed", at(kapivara.Committed, func(d *kapivara.DeliveryRow) { d.Committed = past }), reader.Committed, "2026-11-24T11:59:00Z"},
		{"committed up to its end", both(grows, delivered(3)), reader.Committed, "committed it"},
		{"committed so far", both(open(), grows, delivered(3)), reader.UpToDate, "position 4 is delivered once it is stored"},
		{"committed so far, and complete from now on", both(open(), delivered(3)), reader.UpToDate, "complete streams, whole"},
		{"committed, and what followed was not due", both(grows, func(f *kapivara.StreamFacts, _ *kapivara.SubscriberFacts) {
			f.Completed, f.Finish = 0, 0
		}, delivered(2)), reader.Committed, "up to 3, did not become due"},
		{"a canary", both(at(kapivara.Pending, func(d *kapivara.DeliveryRow) { d.Number, d.Bucket = 0, -1 }), func(f *kapivara.StreamFacts, _ *kapivara.SubscriberFacts) {
			f.Canary = true
		}), reader.Sending, "its bucket is canary-0"},
		{"a canary among the others", both(at(kapivara.Pending, never), func(f *kapivara.StreamFacts, _ *kapivara.SubscriberFacts) {
			f.Canary = true
		}), reader.Sending, "had no canary buckets"},
		{"discarded", at(kapivara.Discarded, nil), reader.Discarded, "discarded by an operator"},
	} {
		got := reader.Explain(facts(c.has)).Subscribers[0]
		if got.Code != c.code {
			t.Errorf("%s: got %s (%s), want %s", c.name, got.Code, got.Why, c.code)
		}
		if !strings.Contains(got.Why+"; "+got.NextStep, c.says) {
			t.Errorf("%s: %q, next %q; want it to say %q", c.name, got.Why, got.NextStep, c.says)
		}
		if strings.Contains(got.Why+got.NextStep, "bank/secret") {
			t.Errorf("%s: %q names a stream of another context", c.name, got.Why)
		}
		if got.Subscriber != "billing" || got.Why == "" || got.NextStep == "" {
			t.Errorf("%s: the reason %+v is not whole", c.name, got)
		}
	}
}

func TestAReasonNamesTheDelivery(t *testing.T) {
	t.Parallel()
	deadline := explainNow.Add(time.Minute)
	got := reader.Explain(facts(at(kapivara.Leased, func(d *kapivara.DeliveryRow) { d.Deadline = deadline }))).Subscribers[0]
	if got.State != kapivara.Leased || got.Bucket != 5 || got.Number != 12 || got.Attempt != 2 || !got.Until.Equal(deadline) {
		t.Errorf("got %+v", got)
	}
	f := facts(open())
	got = reader.Explain(f).Subscribers[0]
	if want := kapivara.BucketOf(f.Stream.Hash(), false, 8, 0); got.State != "" || got.Bucket != want || got.Number != 0 {
		t.Errorf("a stream that is not due stands in %+v, want bucket %s by the rule", got, want)
	}
}

func TestTheDocumentHasEachReason(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{
		reader.StreamFilter, reader.TypeFilter, reader.NotFinished, reader.MissingEvents, reader.BeingGathered, reader.BeforeStart,
		reader.NotDue, reader.NoDispatcher, reader.NobodyListens, reader.NobodyAnswers, reader.BucketBusy, reader.Queued,
		reader.ChangingDispatcher, reader.Moving, reader.HeldBack, reader.ReplayQueued, reader.UpToDate,
		reader.Sending, reader.AwaitingAnswer, reader.Overdue, reader.Refused, reader.NoAnswer, reader.RetryDue,
		reader.NodeGone, reader.HiddenByOperator, reader.Retried, reader.BucketMoved, reader.AttemptsRefused,
		reader.AttemptsUnanswered, reader.AttemptsAbandoned, reader.ParkedByOperator,
		reader.Terminated, reader.Committed, reader.Discarded,
	} {
		if !strings.Contains(string(doc), "`"+code+"`") {
			t.Errorf("docs/explain.md does not name %s", code)
		}
	}
}
