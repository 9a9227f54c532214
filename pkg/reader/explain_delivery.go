package reader

import (
	"fmt"

	"kapivara/pkg/kapivara"
)

// due says why a delivery is where it is.
func due(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	d := s.Delivery
	switch d.State {
	case kapivara.Committed:
		return committed(f, s)
	case kapivara.Discarded:
		return said{
			Discarded, byOperator("discarded", d.Reason) + ", for good",
			"nothing, or replay it: kapivara.v1.delivery.replay." + s.Subscriber.Name,
		}
	case kapivara.Parked:
		return parked(s)
	case kapivara.Hidden:
		return hidden(f, s)
	case kapivara.Leased:
		return leased(f, s)
	default:
		return pending(f, s)
	}
}

// committed tells what is still to come of a stream that is delivered as it grows.
func committed(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	d := s.Delivery
	at := clock(d.Committed)
	switch {
	case d.Cause != kapivara.CauseAppended || f.Finish > 0 && d.To >= f.Finish:
		return said{Committed, "the subscriber has committed it at " + at, "nothing"}
	case f.Contiguous > d.To:
		return said{
			Committed,
			fmt.Sprintf("the subscriber has committed positions %d to %d at %s; what follows, up to %d, did not become due by its filters and mode at the time", d.From, d.To, at, f.Contiguous),
			"nothing, or replay the stream: kapivara.v1.delivery.replay." + s.Subscriber.Name,
		}
	case s.Subscriber.Deliver == kapivara.DeliverComplete:
		return said{
			UpToDate, fmt.Sprintf("the subscriber has committed up to position %d at %s; now it gets complete streams, whole, and this one is open", d.To, at),
			open(f).next,
		}
	default:
		return said{
			UpToDate, fmt.Sprintf("the subscriber has committed all there is, up to position %d, at %s", d.To, at),
			fmt.Sprintf("nothing; position %d is delivered once it is stored", d.To+1),
		}
	}
}

// parked says who has set it aside, or what its last attempt has come to.
func parked(s *kapivara.SubscriberFacts) said {
	d := s.Delivery
	next := fmt.Sprintf("mend the cause, then retry it: kapivara.v1.delivery.retry.%s; or give it up: kapivara.v1.delivery.discard.%[1]s", s.Subscriber.Name)
	switch {
	case s.Answer == kapivara.Term:
		return said{Terminated, "a node answered +TERM" + because(d.Reason), next}
	case s.Answer == kapivara.TakenAway:
		return said{ParkedByOperator, byOperator("parked", d.Reason), next}
	case s.Answer == kapivara.Nak:
		return said{AttemptsRefused, fmt.Sprintf("a node answered -NAK to attempt %d, the last that it had%s", d.Attempt, because(d.Reason)), next}
	case s.Missed:
		return said{
			AttemptsUnanswered, fmt.Sprintf("attempt %d, the last that it had, got no answer until its deadline%s", d.Attempt, because(d.Reason)),
			next + "; where the work takes longer, give the subscriber a longer ack_wait or have it send +WPI",
		}
	default:
		return said{
			AttemptsAbandoned, fmt.Sprintf("the node that had attempt %d, the last that it had, died or went away before it answered%s", d.Attempt, because(d.Reason)), next,
		}
	}
}

// hidden says why it is not sent before its time; when that has come, it waits as what is pending does.
func hidden(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	d := s.Delivery
	again := "it is sent again after " + clock(d.Until)
	switch {
	case !f.Now.Before(d.Until):
		return pending(f, s)
	case s.Answer == kapivara.TakenAway:
		return said{
			HiddenByOperator, byOperator("hidden", d.Reason) + "; " + again,
			"wait, or have it sent at once: kapivara.v1.delivery.retry." + s.Subscriber.Name,
		}
	case s.Answer == kapivara.Nak:
		return said{Refused, fmt.Sprintf("a node answered -NAK to attempt %d%s; %s", d.Attempt, because(d.Reason), again), "wait, or mend the cause"}
	case !s.Standing.SilentSince.IsZero():
		return nobodyAnswers(s, again)
	default:
		return said{
			NoAnswer, fmt.Sprintf("attempt %d had no answer in time%s; %s", d.Attempt, because(d.Reason), again),
			"wait; if it happens again, give the subscriber a longer ack_wait or have it send +WPI",
		}
	}
}

func leased(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	late := f.Now.After(s.Delivery.Deadline)
	switch {
	case !f.Dispatching, late && !s.Dispatching:
		return noDispatcher(f)
	case silent(s):
		return nobodyListens(s)
	case s.Node != "" && f.Now.After(s.NodeUntil):
		return said{
			NodeGone, fmt.Sprintf("it was sent%s and has not renewed that since %s: the node died, hangs or is cut off", to(s), clock(s.NodeUntil)),
			"wait; the bucket goes to another node by itself, and the delivery with it",
		}
	case !s.Standing.SilentSince.IsZero():
		return nobodyAnswers(s, "it is sent"+to(s)+", its deadline is "+clock(s.Delivery.Deadline))
	case late:
		return said{Overdue, "it was sent" + to(s) + ", and its deadline has passed at " + clock(s.Delivery.Deadline), "wait; it is sent again by itself"}
	default:
		return said{
			AwaitingAnswer, "it was sent" + to(s) + ", and its answer is awaited until " + clock(s.Delivery.Deadline),
			"wait; without an answer it is sent again",
		}
	}
}

// byOperator says what an operator has done, and why where a reason was given.
func byOperator(done, reason string) string {
	said := "it was " + done + " by an operator"
	if reason == done+" by an operator" {
		return said
	}
	return said + because(reason)
}

// to says who has a leased delivery, as far as it is known.
func to(s *kapivara.SubscriberFacts) string {
	if s.Node == "" {
		return ""
	}
	return fmt.Sprintf(" to node %s, which has claimed bucket %s", s.Node, s.Delivery.Bucket)
}

func silent(s *kapivara.SubscriberFacts) bool {
	return s.Standing.Listening != nil && !*s.Standing.Listening
}

func noDispatcher(f *kapivara.StreamFacts) said {
	if f.Dispatching {
		return said{
			ChangingDispatcher, "no dispatcher works for the subscriber at this moment: the one that did has gone, or it was only just set, and one takes its place",
			"wait; it takes 2 s at most",
		}
	}
	return said{NoDispatcher, "no dispatcher is at work", "start one, and see in its log why it does not take over"}
}

func nobodyListens(s *kapivara.SubscriberFacts) said {
	name := s.Subscriber.Name
	return said{
		NobodyListens, "no node of the subscriber is there: the last sending met nobody",
		fmt.Sprintf("start a node that subscribes to kapivara.v1.bucket.%[1]s.* in the queue group %[1]s, or have one ask for it: kapivara.v1.next.%[1]s", name),
	}
}

func nobodyAnswers(s *kapivara.SubscriberFacts, more string) said {
	return said{
		NobodyAnswers, fmt.Sprintf("nobody has answered any delivery of the subscriber since %s; %s", clock(s.Standing.SilentSince), more),
		"see that a node answers +ACK, and that no onlooker is subscribed to kapivara.v1.bucket." + s.Subscriber.Name + ".* without its queue group",
	}
}
