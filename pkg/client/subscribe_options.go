package client

import (
	"errors"
	"time"
)

// SubscribeOption changes how a subscription works.
type SubscribeOption func(*subscribeConfig) error

type subscribeConfig struct {
	buckets  []Bucket
	onError  func(error)
	patience time.Duration

	claim      bool
	claimCount int
	claimTTL   time.Duration
}

// WithBuckets takes deliveries of these buckets only. Defaults to all of them.
func WithBuckets(buckets ...Bucket) SubscribeOption {
	return func(c *subscribeConfig) error {
		c.buckets = append(c.buckets, buckets...)
		return nil
	}
}

// WithErrorHandler hears of what goes wrong beside the handler: a delivery that cannot be read, a confirmation that did
// not come. The deliveries concerned come again. It must not block.
func WithErrorHandler(f func(error)) SubscribeOption {
	return func(c *subscribeConfig) error {
		if f == nil {
			return errors.New("an error handler is not nil")
		}
		c.onError = f
		return nil
	}
}

// WithSettlePatience bounds for how long the confirmation of an answer is asked for again, before the next delivery of
// the bucket is handled. Defaults to 30 s.
func WithSettlePatience(d time.Duration) SubscribeOption {
	return func(c *subscribeConfig) error {
		if d <= 0 {
			return errors.New("the patience is longer than 0")
		}
		c.patience = d
		return nil
	}
}
