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
			Discarded, "it was given up by an operator, or with an earlier subscriber of this name" + because(d.Reason),
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

func parked(s *kapivara.SubscriberFacts) said {
	next := fmt.Sprintf("mend the cause, then retry it: kapivara.v1.delivery.retry.%s; or give it up: kapivara.v1.delivery.discard.%[1]s", s.Subscriber.Name)
	if s.Answer == kapivara.Term {
		return said{Terminated, "a node answered +TERM" + because(s.Delivery.Reason), next}
	}
	return said{
		Parked, fmt.Sprintf("it was set aside after attempt %d%s", s.Delivery.Attempt, because(s.Delivery.Reason)), next,
	}
}

func hidden(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	again := "it is sent again after " + clock(s.Delivery.Until)
	switch {
	case !s.Dispatching && f.Now.After(s.Delivery.Until):
		return noDispatcher(f)
	case s.Answer == kapivara.Nak:
		return said{Refused, fmt.Sprintf("a node answered -NAK to attempt %d%s; %s", s.Delivery.Attempt, because(s.Delivery.Reason), again), "wait, or mend the cause"}
	case !s.Standing.SilentSince.IsZero():
		return nobodyAnswers(s, again)
	default:
		return said{
			NoAnswer, fmt.Sprintf("attempt %d had no answer in time, or it was hidden by an operator%s; %s", s.Delivery.Attempt, because(s.Delivery.Reason), again),
			"wait; if it happens again, give the subscriber a longer ack_wait or have it send +WPI",
		}
	}
}

func leased(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	late := f.Now.After(s.Delivery.Deadline)
	switch {
	case late && !s.Dispatching:
		return noDispatcher(f)
	case silent(s):
		return nobodyListens(s)
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
			ChangingDispatcher, "the dispatcher that worked for the subscriber has gone, and another takes its place",
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
