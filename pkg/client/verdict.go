package client

import (
	"errors"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Terminate is what a handler returns to have the delivery parked at once: it is not sent again until an operator
// retries it. The reason is shown to the operator.
func Terminate(reason error) error { return &verdictError{err: reason, term: true} }

// RetryAfter is what a handler returns to have the delivery sent again after the delay, instead of the subscriber's
// backoff. The reason is shown to the operator.
func RetryAfter(delay time.Duration, reason error) error {
	return &verdictError{err: reason, delay: max(delay, 0)}
}

type verdictError struct {
	err   error
	term  bool
	delay time.Duration
}

// Error gives the reason.
func (v *verdictError) Error() string {
	if v.err == nil {
		return "no reason given"
	}
	return v.err.Error()
}

// Unwrap gives the reason.
func (v *verdictError) Unwrap() error { return v.err }

// answerTo is the answer that a handler's return amounts to: nil commits, any error has the delivery sent again.
func answerTo(err error) Answer {
	if err == nil {
		return Answer{Verdict: kapivara.Ack, Delay: wire.Backoff}
	}
	answer := Answer{Verdict: kapivara.Nak, Delay: wire.Backoff, Reason: wire.Reason(err.Error())}
	var verdict *verdictError
	if errors.As(err, &verdict) {
		if answer.Delay = verdict.delay; verdict.term {
			answer.Verdict, answer.Delay = kapivara.Term, wire.Backoff
		}
	}
	return answer
}
