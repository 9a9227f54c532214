package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// lane handles the deliveries of one bucket one after another. Its goroutine lives while there is any. The
// subscription's lock guards its fields.
type lane struct {
	subscription *Subscription
	waiting      []*item
	running      bool
}

// put lets a delivery wait for its turn. A new attempt takes the place of an older one of the same delivery. The caller
// holds the lock.
func (l *lane) put(it *item) {
	it.timer = time.AfterFunc(it.delivery.AckWait/2, func() { l.extend(it) })
	for i, older := range l.waiting {
		if older.delivery.Number == it.delivery.Number {
			older.timer.Stop()
			l.waiting[i] = it
			return
		}
	}
	l.waiting = append(l.waiting, it)
	if !l.running {
		l.running = true
		l.subscription.busy.Add(1)
		go l.run()
	}
}

// extend moves the deadline of a delivery on that still waits.
func (l *lane) extend(it *item) {
	s := l.subscription
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range l.waiting {
		if other == it {
			l.progress(it)
			it.timer.Reset(it.delivery.AckWait / 2)
			return
		}
	}
}

// progress sends a +WPI without waiting for its confirmation: the next one comes in time if this one is lost.
func (l *lane) progress(it *item) {
	it.extended = time.Now()
	if err := l.subscription.client.nc.Publish(it.reply, []byte("+WPI")); err != nil {
		l.subscription.config.onError(fmt.Errorf("extend %s: %w", name(it), err))
	}
}

// next takes the delivery whose turn it is. Its whole ack_wait lies before it.
func (l *lane) next() *item {
	s := l.subscription
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(l.waiting) == 0 || s.ctx.Err() != nil {
		for _, left := range l.waiting {
			left.timer.Stop()
		}
		l.waiting, l.running = nil, false
		return nil
	}
	it := l.waiting[0]
	l.waiting = l.waiting[1:]
	it.timer.Stop()
	if time.Since(it.extended) > it.delivery.AckWait/4 {
		l.progress(it)
	}
	return it
}

// clear drops what waits for its turn. The caller holds the lock.
func (l *lane) clear() {
	for _, it := range l.waiting {
		it.timer.Stop()
	}
	l.waiting = nil
}

func (l *lane) run() {
	defer l.subscription.busy.Done()
	for it := l.next(); it != nil; it = l.next() {
		err := l.work(it)
		if err != nil && l.subscription.claimer != nil && CodeOf(err) == StaleToken {
			l.subscription.lost() // another node has the bucket: nothing to be told of
			continue
		}
		if err != nil {
			l.subscription.config.onError(fmt.Errorf("%s: %w", name(it), err))
		}
	}
}

// work handles a delivery and has the answer confirmed.
func (l *lane) work(it *item) error {
	s := l.subscription
	it.delivery.progress = func(ctx context.Context) error {
		_, err := s.client.settle(ctx, it.reply, wire.FormatAnswer(Answer{Verdict: kapivara.Progress}))
		return err
	}
	err := s.handle(s.ctx, &it.delivery)
	if err == nil {
		err = it.delivery.unread()
	}
	if err != nil && s.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return fmt.Errorf("left undone: %w", err)
	}
	return l.settle(it, answerTo(err))
}

// settle asks for the confirmation until it comes, or patience ends. The work is done, so Stop waits for it as well.
func (l *lane) settle(it *item, answer Answer) error {
	s := l.subscription
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), s.config.patience)
	defer cancel()
	return Retry(ctx, func(ctx context.Context) error {
		_, err := s.client.settle(ctx, it.reply, wire.FormatAnswer(answer))
		return err
	})
}

func name(it *item) string {
	d := &it.delivery
	return fmt.Sprintf("delivery %s/%s/%d", d.Subscriber, d.Bucket, d.Number)
}
