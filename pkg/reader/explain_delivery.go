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
		return said{Committed, "the subscriber has committed it at " + clock(d.Committed), "nothing"}
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

func parked(s *kapivara.SubscriberFacts) said {
	next := fmt.Sprintf("mend the cause, then retry it: kapivara.v1.delivery.retry.%s", s.Subscriber.Name)
	if s.Answer == kapivara.Term {
		return said{Terminated, "a node answered +TERM" + because(s.Delivery.Reason), next}
	}
	return said{
		Parked, fmt.Sprintf("it was set aside after attempt %d%s", s.Delivery.Attempt, because(s.Delivery.Reason)), next,
	}
}

func hidden(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	switch again := "it is sent again after " + clock(s.Delivery.Until); {
	case s.Answer == kapivara.Nak:
		return said{Refused, fmt.Sprintf("a node answered -NAK to attempt %d%s; %s", s.Delivery.Attempt, because(s.Delivery.Reason), again), "wait, or mend the cause"}
	case !s.Standing.SilentSince.IsZero():
		return nobodyAnswers(s, again)
	case !f.Dispatching && f.Now.After(s.Delivery.Until):
		return noDispatcher()
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
	case late && !f.Dispatching:
		return noDispatcher()
	case silent(s):
		return nobodyListens(s)
	case !s.Standing.SilentSince.IsZero():
		return nobodyAnswers(s, "it is sent, its deadline is "+clock(s.Delivery.Deadline))
	case late:
		return said{Overdue, "its deadline has passed at " + clock(s.Delivery.Deadline), "wait; it is sent again by itself"}
	default:
		return said{AwaitingAnswer, "it was sent, and its answer is awaited until " + clock(s.Delivery.Deadline), "wait"}
	}
}

func pending(f *kapivara.StreamFacts, s *kapivara.SubscriberFacts) said {
	busy := s.InFlight >= s.Subscriber.MaxInFlight
	switch {
	case !f.Dispatching:
		return noDispatcher()
	case silent(s):
		return nobodyListens(s)
	case s.Delivery.Number > 0:
		return said{RetryDue, "it is to be sent again at once", "wait"}
	case busy && !s.Standing.SilentSince.IsZero():
		return nobodyAnswers(s, "its bucket waits for that")
	case busy:
		return said{
			BucketBusy,
			fmt.Sprintf("%d deliveries of bucket %s are leased, which is its max_in_flight; %s are due before this one", s.InFlight, s.Delivery.Bucket, ahead(s.Ahead)),
			"wait, or look at what holds the bucket: kapivara.v1.read.bucket." + s.Subscriber.Name,
		}
	case s.Ahead > 0:
		return said{Queued, ahead(s.Ahead) + " deliveries of its bucket are due before this one", "wait"}
	default:
		return said{Sending, "it is the next of its bucket", "wait"}
	}
}

func silent(s *kapivara.SubscriberFacts) bool {
	return s.Standing.Listening != nil && !*s.Standing.Listening
}

func noDispatcher() said {
	return said{NoDispatcher, "no dispatcher is at work", "start one, and see in its log why it does not take over"}
}

func nobodyListens(s *kapivara.SubscriberFacts) said {
	name := s.Subscriber.Name
	return said{
		NobodyListens, "no node of the subscriber is there: the last sending met nobody",
		fmt.Sprintf("start a node that subscribes to kapivara.v1.bucket.%s.* in the queue group %s", name, name),
	}
}

func nobodyAnswers(s *kapivara.SubscriberFacts, more string) said {
	return said{
		NobodyAnswers, fmt.Sprintf("nobody has answered any delivery of the subscriber since %s; %s", clock(s.Standing.SilentSince), more),
		"see that a node answers +ACK, and that no onlooker is subscribed to kapivara.v1.bucket." + s.Subscriber.Name + ".* without its queue group",
	}
}
