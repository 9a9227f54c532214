package reader

import (
	"fmt"

	"kapivara/pkg/kapivara"
)

// The reason codes; docs/explain.md says in a table when each is given.
const (
	// Why a stream is not due.
	StreamFilter  = "stream_filter"
	TypeFilter    = "type_filter"
	NotFinished   = "not_finished"
	MissingEvents = "missing_events"
	BeingGathered = "being_gathered" // of what is due as well
	BeforeStart   = "before_start"
	NotDue        = "not_due"
	// Why a delivery is where it is.
	NoDispatcher       = "no_dispatcher"
	ChangingDispatcher = "changing_dispatcher"
	Moving             = "moving"
	HeldBack           = "held_back"
	NobodyListens      = "nobody_listens"
	NobodyAnswers      = "nobody_answers"
	BucketBusy         = "bucket_busy"
	Queued             = "queued"
	ReplayQueued       = "replay_queued"
	Sending            = "sending"
	AwaitingAnswer     = "awaiting_answer"
	Overdue            = "overdue"
	NodeGone           = "node_gone"
	Refused            = "refused"
	NoAnswer           = "no_answer_in_time"
	HiddenByOperator   = "hidden_by_operator"
	RetryDue           = "retry_due"
	Retried            = "retried_by_operator"
	BucketMoved        = "bucket_moved"
	Terminated         = "terminated"
	AttemptsRefused    = "attempts_refused"
	AttemptsUnanswered = "attempts_unanswered"
	AttemptsAbandoned  = "attempts_abandoned"
	ParkedByOperator   = "parked_by_operator"
	Committed          = "committed"
	UpToDate           = "up_to_date"
	Discarded          = "discarded"
)

// Explain gives the reasons: for each subscriber one. It is a function of the facts alone.
func Explain(f *kapivara.StreamFacts) kapivara.Explanation {
	e := kapivara.Explanation{StreamState: f.StreamState, Subscribers: make([]kapivara.Reason, len(f.Subscribers))}
	for i := range f.Subscribers {
		e.Subscribers[i] = explain(f, &f.Subscribers[i])
	}
	return e
}

// said is a reason in words.
type said struct{ code, why, next string }

func explain(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) kapivara.Reason {
	r := kapivara.Reason{Subscriber: s.Subscriber.Name}
	var is said
	if d := s.Delivery; d == nil {
		r.Bucket = kapivara.BucketOf(f.Stream.Hash(), f.Canary, s.Subscriber.Buckets, s.Subscriber.CanaryBuckets)
		is = notDue(f, s)
	} else {
		r.State, r.Bucket, r.Number, r.Attempt, r.Until, r.Committed = d.State, d.Bucket, d.Number, d.Attempt, d.Until, d.Committed
		if d.State == kapivara.Leased {
			r.Until = d.Deadline
		}
		is = due(f, s)
	}
	r.Code, r.Why, r.NextStep = is.code, is.why+canary(f, r.Bucket), is.next
	return r
}

// canary says where a canary stream goes.
func canary(f *kapivara.StreamFacts, b kapivara.Bucket) string {
	switch {
	case !f.Canary:
		return ""
	case b.Canary():
		return "; it is a canary stream, its bucket is " + b.String()
	default:
		return "; it is a canary stream, and has bucket " + b.String() + " since the subscriber had no canary buckets for it"
	}
}

// notDue says why there is no delivery: first what would hold for ever, then what the stream lacks, then what was when it
// completed.
func notDue(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	u := &s.Subscriber
	switch {
	case !u.Streams.Fits(string(f.Stream)):
		return said{
			StreamFilter, "the subscriber's streams filter does not fit the name of the stream; it is " + some(u.Streams),
			"nothing, or set the subscriber with a streams filter that fits",
		}
	case !u.Wants(f.Stream, f.Types):
		return said{
			TypeFilter, "no event type stored in the stream so far fits the subscriber's types filter; it is " + some(u.Types),
			"nothing, or set the subscriber with a types filter that fits one of: " + some(f.Types),
		}
	case u.Deliver == kapivara.DeliverAppended:
		return notGrown(f, s)
	case !f.Complete():
		return open(f)
	}
	return notDueThen(f, s)
}

// open says what an open stream lacks.
func open(f *kapivara.StreamFacts) said {
	switch {
	case f.Finish > 0:
		return said{
			MissingEvents, fmt.Sprintf("the stream ends at position %d, but positions are missing: %s", f.Finish, ranges(f.Missing)),
			"append the missing positions",
		}
	case len(f.Missing) > 0:
		return said{
			NotFinished, fmt.Sprintf("the stream has no final event yet, and positions are missing: %s", ranges(f.Missing)),
			`append the missing positions, and the last event with "final": true`,
		}
	default:
		return said{
			NotFinished, fmt.Sprintf("the stream has no final event yet; it stands at position %d", f.Version),
			`append its last event with "final": true`,
		}
	}
}

// notGrown says why a stream that fits a subscriber of growing streams is not due.
func notGrown(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	switch {
	case f.Contiguous == 0:
		return said{MissingEvents, "position 1 of the stream is missing, and it is delivered from there on", "append the missing positions: " + ranges(f.Missing)}
	case !s.Subscriber.Types.All() && !s.Subscriber.Wants(f.Stream, f.Reached()):
		return said{
			MissingEvents,
			fmt.Sprintf("up to position %d, before the first missing one, no event type fits the subscriber's types filter; it is %s", f.Contiguous, some(s.Subscriber.Types)),
			"append the missing positions: " + ranges(f.Missing),
		}
	default:
		return notDueThen(f, s)
	}
}

// notDueThen says why a stream that fits, with all that it needs, is not due.
func notDueThen(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	replay := "to have it delivered all the same, replay it: kapivara.v1.delivery.replay." + s.Subscriber.Name
	switch {
	case s.Gathering[0] < f.Completed && f.Completed <= s.Gathering[1]:
		return gathering(s)
	case f.Completed > 0 && (s.Subscriber.Start.New && f.Completed <= s.Subscriber.LogPosition || !s.Subscriber.Start.New && f.Completed <= s.Subscriber.Start.After):
		return said{BeforeStart, fmt.Sprintf("the stream was completed at log position %d, %s", f.Completed, beforeWhat(&s.Subscriber)), replay}
	}
	return said{NotDue, "by the subscriber's filters and mode at the time the stream did not become due", replay}
}

// beforeWhat says from when on a subscriber has what becomes due. Of a name that was changed the place at which it was first
// set is not known any more.
func beforeWhat(u *kapivara.Subscriber) string {
	if u.Start.New {
		return fmt.Sprintf("before the subscriber was set, or last changed, at log position %d; it did not become due then", u.LogPosition)
	}
	return fmt.Sprintf("before the subscriber was to have it: its start is log position %d", u.Start.After)
}

func gathering(s *kapivara.SubscriberFacts) said {
	return said{
		BeingGathered,
		fmt.Sprintf("streams that were due before the subscriber was set are being gathered, those after log position %d up to %d are still to come; nothing is sent until all are there, so that their order holds",
			s.Gathering[0], s.Gathering[1]),
		"wait; it goes on by itself while a writer is at work",
	}
}
