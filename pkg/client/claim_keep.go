package client

import (
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

// claimer keeps the claim of a subscription. Its goroutine owns it, but for what the subscription's lock guards.
type claimer struct {
	request ClaimRequest
	again   chan struct{} // something was lost: claim at once
	stop    context.CancelFunc
	ended   chan struct{}
}

// Node is the name under which the subscription claims buckets, "" where it does not.
func (s *Subscription) Node() string {
	if s.claimer == nil {
		return ""
	}
	return s.claimer.request.Node
}

// Claimed are the buckets that this node had by the answer to its last claim.
func (s *Subscription) Claimed() []Claimed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.claimed)
}

// startClaiming begins to claim, once the subscription is with the server.
func (s *Subscription) startClaiming() {
	ctx, cancel := context.WithCancel(context.Background())
	s.claimer.stop = cancel
	go func() {
		defer close(s.claimer.ended)
		s.keepClaiming(ctx)
	}()
}

// keepClaiming claims again at a third of the ttl, when something was lost, and when the connection is back. What goes
// wrong is told once the buckets may be lost, or at once where claiming again will not help.
func (s *Subscription) keepClaiming(ctx context.Context) {
	back := s.client.nc.StatusChanged(nats.CONNECTED)
	defer s.client.nc.RemoveStatusListener(back)
	ttl := s.claimer.request.TTL
	told, since := false, time.Now()
	for ctx.Err() == nil {
		wait := ttl / 3
		begun := time.Now()
		if err := s.claimOnce(ctx); err == nil {
			told, since = false, begun
		} else if ctx.Err() == nil {
			if !told && (!IsRetryable(err) || time.Since(since) > ttl) {
				told = true
				s.config.onError(err)
			}
			wait = min(ttl/6, 500*time.Millisecond)
		}
		timer := time.NewTimer(jitter(wait))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.claimer.again:
		case <-back:
		}
		timer.Stop()
	}
}

// claimOnce claims and takes in what this node then has. What waits of a bucket that it has no longer is void, and is
// with another node by now.
func (s *Subscription) claimOnce(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, max(s.claimer.request.TTL/3, 500*time.Millisecond))
	defer cancel()
	var claimed []Claimed
	err := Retry(within, func(ctx context.Context) (err error) {
		claimed, err = s.client.Claim(ctx, s.subscriber, s.claimer.request)
		return err
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, before := range s.claimed {
		still := slices.ContainsFunc(claimed, func(c Claimed) bool { return c.Bucket == before.Bucket })
		if l := s.lanes[before.Bucket]; l != nil && !still {
			l.clear()
		}
	}
	s.claimed = claimed
	return nil
}

// lost claims at once: an answer was stale, so a bucket may be with another node.
func (s *Subscription) lost() {
	select {
	case s.claimer.again <- struct{}{}:
	default:
	}
}

// stopClaiming ends the claim once nothing is at hand, and gives the buckets back, so that others have them at once.
func (s *Subscription) stopClaiming() error {
	s.claimer.stop()
	<-s.claimer.ended
	ctx, cancel := context.WithTimeout(context.Background(), s.client.timeout)
	defer cancel()
	err := Retry(ctx, func(ctx context.Context) error {
		_, err := s.client.Release(ctx, s.subscriber, ReleaseRequest{Node: s.claimer.request.Node})
		return err
	})
	if IsNotFound(err) {
		return nil // the subscriber was removed, and its claims with it
	}
	return err
}
