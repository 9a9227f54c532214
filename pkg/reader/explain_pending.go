package reader

import (
	"fmt"

	"kapivara/pkg/kapivara"
)

// pending says what a delivery waits for: one that was never leased, or that is to be sent again. What keeps it from being
// sent whatever else happens comes first.
func pending(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	first := s.Delivery.Number == 0
	switch {
	case !s.Dispatching:
		return noDispatcher(f)
	case first && s.Gathering[1] > 0:
		return gathering(s)
	case first && s.Moving:
		return moving(s)
	case s.Holding != nil:
		return heldBack(s)
	case silent(s):
		return nobodyListens(s)
	case s.InFlight >= s.Subscriber.MaxInFlight:
		return busy(s, first)
	case first:
		return waits(s)
	default:
		return again(s)
	}
}

// again says why a delivery that has a number is to be sent at once.
func again(s *kapivara.SubscriberFacts) said {
	d := s.Delivery
	switch {
	case d.State == kapivara.Hidden && s.Answer == kapivara.Nak:
		return said{RetryDue, fmt.Sprintf("a node answered -NAK to attempt %d%s, and the time to send it again has come", d.Attempt, because(d.Reason)), "wait"}
	case d.State == kapivara.Hidden:
		return said{RetryDue, "the time to send it has come: it was hidden until " + clock(d.Until), "wait"}
	case s.Answer == kapivara.TakenAway:
		return said{Retried, "an operator has it sent again" + because(d.Reason), "wait"}
	default:
		return said{BucketMoved, fmt.Sprintf("bucket %s went to another node, or to none, before attempt %d was answered; it is sent again at once", d.Bucket, d.Attempt), "wait"}
	}
}

func moving(s *kapivara.SubscriberFacts) said {
	return said{
		Moving,
		fmt.Sprintf("the buckets of the subscriber were changed to %d and %d for canary streams; what was never sent is being moved there, and nothing is sent for the first time until that is done",
			s.Subscriber.Buckets, s.Subscriber.CanaryBuckets),
		"wait; it goes on by itself while a writer is at work",
	}
}

// heldBack names the earlier delivery of the stream, and what it waits for.
func heldBack(s *kapivara.SubscriberFacts) said {
	h := s.Holding
	name := fmt.Sprintf("%s/%s/%d", s.Subscriber.Name, h.Bucket, h.Number)
	why := fmt.Sprintf("an earlier delivery of the same stream comes first, and it is %s: %s", h.State, name)
	switch h.State {
	case kapivara.Parked:
		return said{
			HeldBack, why + because(h.Reason),
			fmt.Sprintf("retry %s (kapivara.v1.delivery.retry.%s) or discard it (kapivara.v1.delivery.discard.%[2]s)", name, s.Subscriber.Name),
		}
	case kapivara.Hidden:
		return said{HeldBack, why + " until " + clock(h.Until) + because(h.Reason), "wait, or see what keeps " + name}
	case kapivara.Leased:
		return said{HeldBack, why + " until " + clock(h.Deadline), "wait for its answer"}
	default:
		return said{HeldBack, why, "wait"}
	}
}

// busy says what a delivery of a full bucket waits for.
func busy(s *kapivara.SubscriberFacts, first bool) said {
	d := s.Delivery
	if !s.Standing.SilentSince.IsZero() {
		return nobodyAnswers(s, "its bucket "+d.Bucket.String()+" waits for that")
	}
	why := fmt.Sprintf("as many of bucket %s are leased as max_in_flight allows, %d%s", d.Bucket, s.InFlight, busyWith(s))
	if first {
		why += "; " + ahead(s.Ahead) + " before it"
	}
	return said{BucketBusy, why, "wait, or look at what holds the bucket: kapivara.v1.read.bucket." + s.Subscriber.Name}
}

// waits says what goes before a delivery that nothing else keeps.
func waits(s *kapivara.SubscriberFacts) said {
	bucket := s.Delivery.Bucket
	switch replay := s.Delivery.Cause == kapivara.CauseReplay; {
	case replay && s.Ahead > 0:
		return said{ReplayQueued, fmt.Sprintf("it is a replay, and live deliveries go first: %s before it in bucket %s", ahead(s.Ahead), bucket), "wait"}
	case s.Ahead > 0:
		return said{Queued, fmt.Sprintf("%s before it in bucket %s", ahead(s.Ahead), bucket), "wait"}
	default:
		return said{Sending, fmt.Sprintf("it is the next of bucket %s", bucket), "wait"}
	}
}

// busyWith names the first of what is leased of the bucket, and who has it; not its stream, which may be of a context that
// whoever asks has no right to.
func busyWith(s *kapivara.SubscriberFacts) string {
	if s.Busy == nil {
		return ""
	}
	with := fmt.Sprintf(" (%s/%s/%d, attempt %d, until %s", s.Subscriber.Name, s.Busy.Bucket, s.Busy.Number, s.Busy.Attempt, clock(s.Busy.Deadline))
	if s.Node != "" {
		with += ", at node " + s.Node
	}
	return with + ")"
}
