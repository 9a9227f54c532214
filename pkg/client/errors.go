package client

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
)

// Why a request got no answer of Kapivara's. Each satisfies IsUnreachable and IsRetryable.
var (
	// ErrNoService: NATS says that nobody serves the subject. Certainly nothing was done.
	ErrNoService = errors.New("no service answers: is kapivara running, and may this user send there?")
	// ErrNoAnswer: no answer came in time. The request may have been done; the same one sent again tells.
	ErrNoAnswer = errors.New("no answer in time")
	// ErrDisconnected: there is no connection to NATS, or it was lost while the answer was awaited.
	ErrDisconnected = errors.New("not connected")
)

// CodeOf is the code of a refusal, "" for nil and for errors that are no refusal. What got no answer has the code that it
// amounts to: Unavailable where certainly nothing was done, else OutcomeUnknown.
func CodeOf(err error) Code {
	var refusal *Error
	switch {
	case errors.As(err, &refusal):
		return refusal.Code
	case errors.Is(err, ErrNoService):
		return Unavailable
	case errors.Is(err, ErrNoAnswer), errors.Is(err, ErrDisconnected):
		return OutcomeUnknown
	default:
		return ""
	}
}

// IsRetryable tells whether the same request, with the same ids, may succeed later: busy, unavailable, outcome_unknown,
// and whatever got no answer.
func IsRetryable(err error) bool {
	switch CodeOf(err) {
	case Busy, Unavailable, OutcomeUnknown:
		return true
	default:
		return false
	}
}

// IsConflict tells whether the request lost against what is stored: read, decide again, send anew.
func IsConflict(err error) bool {
	switch CodeOf(err) {
	case WrongVersion, CanaryMismatch, EventIDReused, PositionTaken, StreamFinished, FinishConflict, StaleToken:
		return true
	default:
		return false
	}
}

// IsNotFound tells whether what was asked for is not there.
func IsNotFound(err error) bool { return CodeOf(err) == NotFound }

// IsUnreachable tells whether no service was reached.
func IsUnreachable(err error) bool {
	return errors.Is(err, ErrNoService) || errors.Is(err, ErrNoAnswer) || errors.Is(err, ErrDisconnected)
}

// unanswered puts a failure of the NATS client into our words.
func (c *Client) unanswered(err error, subject string) error {
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w (%s)", ErrNoService, subject)
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		if denied := c.nc.LastError(); errors.Is(denied, nats.ErrPermissionViolation) && strings.Contains(denied.Error(), subject) {
			return fmt.Errorf("%w (%s): %w", ErrNoAnswer, subject, denied)
		}
		return fmt.Errorf("%w (%s)", ErrNoAnswer, subject)
	case errors.Is(err, nats.ErrMaxPayload):
		return kapivara.Refuse(kapivara.TooLarge, "the request passes the server's max_payload; split it")
	default:
		return fmt.Errorf("%w: %w", ErrDisconnected, err)
	}
}
