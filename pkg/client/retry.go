package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"kapivara/pkg/kapivara"
)

// The pauses between attempts of Retry.
const (
	firstPause = 20 * time.Millisecond
	maxPause   = 2 * time.Second
)

// Retry calls f until it succeeds, fails with what IsRetryable denies, or ctx ends; then it gives f's last error. It
// pauses between the calls, longer each time, or as long as the service asks for. f must send the same ids each time: an
// Append that is kept outside of f does.
func Retry(ctx context.Context, f func(context.Context) error) error {
	pause := firstPause
	for {
		err := f(ctx)
		if err == nil || !IsRetryable(err) {
			return err
		}
		timer := time.NewTimer(max(jitter(pause), retryAfter(err)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
		pause = min(2*pause, maxPause)
	}
}

// jitter spreads pauses over half to all of d, so that clients do not come back together.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }

func retryAfter(err error) time.Duration {
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Facts.RetryAfter == "" {
		return 0
	}
	d, err := kapivara.ParseDuration("retry_after", refusal.Facts.RetryAfter)
	if err != nil {
		return 0
	}
	return d
}
