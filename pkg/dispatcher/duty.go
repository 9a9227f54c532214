package dispatcher

import (
	"context"
	"errors"
	"time"

	"kapivara/pkg/kapivara"
)

// serve waits for the duty and does it, again and again until stop is closed.
func (d *Dispatcher) serve(ctx context.Context, stop <-chan struct{}, end chan<- struct{}) {
	defer close(end)
	told := false
	for !closed(stop) {
		epoch, ok, err := d.takeDuty(ctx)
		switch {
		case ok:
			told = false
			d.atWork(ctx, epoch, stop)
			continue
		case err != nil && !told:
			d.log.Warn("the dispatcher cannot ask for its duty yet", "error", err)
		case !told:
			d.log.Info("another dispatcher is at work; this one waits")
		}
		told = true
		pause(stop, d.cfg.TTL/4)
	}
}

func (d *Dispatcher) takeDuty(ctx context.Context) (int64, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.TTL)
	defer cancel()
	return d.store.TakeDuty(ctx, d.cfg.Holder, d.cfg.TTL)
}

// atWork does the duty of the epoch until it is lost or stop is closed, and gives it up.
func (d *Dispatcher) atWork(ctx context.Context, epoch int64, stop <-chan struct{}) {
	defer d.leaveDuty(ctx, epoch)
	held, lose := context.WithCancel(ctx)
	defer lose()
	key, err := d.prepare(held, epoch)
	if err != nil {
		d.log.Warn("the dispatcher cannot begin", "error", err)
		pause(stop, d.cfg.TTL/4)
		return
	}
	d.key.Store(&key)
	d.inbox.clear()
	d.onDuty(true)
	d.log.Info("the dispatcher is at work", "epoch", epoch)
	finish := make(chan struct{}) // closed when no more answers come in
	go func() {
		defer close(finish)
		select {
		case <-stop:
		case <-held.Done():
		}
		d.onDuty(false)
	}()
	keeper := make(chan struct{})
	go func() {
		defer close(keeper)
		defer lose()
		d.keepDuty(held, epoch)
	}()
	d.desks(held, epoch, key, finish)
	lose()
	<-keeper
	<-finish
	d.log.Info("the dispatcher is no longer at work", "epoch", epoch)
}

// prepare reads what a desk needs before anything comes in.
func (d *Dispatcher) prepare(ctx context.Context, epoch int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.TTL)
	defer cancel()
	begun := time.Now()
	now, err := d.store.KeepDuty(ctx, epoch, d.cfg.TTL)
	if err != nil {
		return nil, err
	}
	d.clock.sync(now, begun)
	d.certain(begun)
	return d.store.TokenKey(ctx)
}

// certain notes to when the duty is certain after it was prolonged by a call begun then.
func (d *Dispatcher) certain(begun time.Time) time.Time {
	until := begun.Add(d.cfg.TTL)
	d.until.Store(&until)
	return until
}

// held tells whether the duty is certain to be held, even if this process has stood still.
func (d *Dispatcher) held() bool { return time.Now().Before(*d.until.Load()) }

// desks keeps a desk at work. Where the store fails, the next one begins with what the store then has.
func (d *Dispatcher) desks(held context.Context, epoch int64, key []byte, finish <-chan struct{}) {
	unsent := map[kapivara.Ref]int{}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		begun := time.Now()
		k := d.newDesk(epoch, key, unsent)
		err := k.run(held, finish)
		unsent = k.unsent
		if err == nil || errors.Is(err, kapivara.ErrOffDuty) || held.Err() != nil {
			return
		}
		d.log.Warn("the dispatcher begins anew with what the store has", "error", err)
		if time.Since(begun) > 10*time.Second {
			wait = 50 * time.Millisecond
		}
		select {
		case <-held.Done():
			return
		case <-finish:
			return
		case <-time.After(wait):
		}
	}
}

// keepDuty prolongs the duty and returns when it is lost, or when it cannot be prolonged before it may be.
func (d *Dispatcher) keepDuty(ctx context.Context, epoch int64) {
	until := *d.until.Load()
	for {
		begun := time.Now()
		call, cancel := context.WithTimeout(ctx, d.cfg.TTL/2)
		now, err := d.store.KeepDuty(call, epoch, d.cfg.TTL)
		cancel()
		switch {
		case err == nil:
			d.clock.sync(now, begun)
			until = d.certain(begun)
		case errors.Is(err, kapivara.ErrOffDuty), ctx.Err() != nil, time.Now().After(until):
			return
		}
		pause(ctx.Done(), min(d.cfg.TTL/4, max(time.Until(until), time.Millisecond)))
		if ctx.Err() != nil {
			return
		}
	}
}

func (d *Dispatcher) leaveDuty(ctx context.Context, epoch int64) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.TTL)
	defer cancel()
	if err := d.store.LeaveDuty(ctx, epoch); err != nil {
		d.log.Debug("the dispatcher could not give its duty up; it ends by itself", "error", err)
	}
}

// pause waits, or until stop is closed.
func pause(stop <-chan struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-stop:
	case <-timer.C:
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
