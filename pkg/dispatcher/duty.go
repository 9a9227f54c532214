package dispatcher

import (
	"context"
	"errors"
	"time"

	"kapivara/pkg/kapivara"
)

// serve works in one run after another until stop is closed.
func (d *Dispatcher) serve(ctx context.Context, stop <-chan struct{}, end chan<- struct{}) {
	defer close(end)
	defer d.inbox.end()
	told := false
	for !closed(stop) {
		if d.cfg.Connected() {
			run, err := d.join(ctx)
			if err == nil {
				told = false
				d.atWork(ctx, run, stop)
				continue
			}
			if !told {
				d.log.Warn("the dispatcher cannot begin yet", "error", err)
			}
			told = true
		}
		pause(stop, d.cfg.TTL/4)
	}
}

// join begins a run, and gives its number.
func (d *Dispatcher) join(ctx context.Context) (run int32, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.TTL)
	defer cancel()
	return d.store.Join(ctx, d.cfg.Holder, d.cfg.TTL)
}

// atWork does the work of a run until it is lost or stop is closed, and leaves.
func (d *Dispatcher) atWork(ctx context.Context, run int32, stop <-chan struct{}) {
	defer d.leave(ctx, run)
	held, lose := context.WithCancel(ctx)
	defer lose()
	key, err := d.prepare(held, run)
	if err != nil {
		d.log.Warn("the dispatcher cannot begin", "error", err)
		pause(stop, d.cfg.TTL/4)
		return
	}
	d.key.Store(&key)
	d.inbox.begin()
	d.run.Store(run)
	d.onRun(run, true)
	d.log.Info("the dispatcher is at work", "run", run)
	keeper := make(chan struct{})
	go func() {
		defer close(keeper)
		defer lose()
		d.keep(held, run)
	}()
	d.desks(held, run, key, stop)
	lose()
	<-keeper
	d.onRun(run, false)
	d.log.Info("the dispatcher is no longer at work", "run", run)
}

// prepare reads what a desk needs before anything comes in.
func (d *Dispatcher) prepare(ctx context.Context, run int32) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.TTL)
	defer cancel()
	begun := time.Now()
	now, err := d.store.Keep(ctx, run, d.cfg.TTL)
	if err != nil {
		return nil, err
	}
	d.clock.sync(now, begun)
	d.certain(begun)
	return d.store.TokenKey(ctx)
}

// certain notes to when the run is certain to last after it was prolonged by a call begun then.
func (d *Dispatcher) certain(begun time.Time) time.Time {
	until := begun.Add(d.cfg.TTL)
	d.until.Store(&until)
	return until
}

// held tells whether the run is certain to last, even if this process has stood still: then nobody else has its duties.
func (d *Dispatcher) held() bool { return time.Now().Before(*d.until.Load()) }

// desks keeps a desk at work. Where the store fails, the next one begins with what the store then has.
func (d *Dispatcher) desks(held context.Context, run int32, key []byte, stop <-chan struct{}) {
	unsent := map[kapivara.Ref]int{}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		begun := time.Now()
		k := d.newDesk(run, key, unsent)
		err := k.work(held, stop)
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
		case <-stop:
			return
		case <-time.After(wait):
		}
	}
}

// keep prolongs the run and returns when it is lost, when it cannot be prolonged before it may be, or when the bus is out
// of reach for so long that others do the work better.
func (d *Dispatcher) keep(ctx context.Context, run int32) {
	until, heard := *d.until.Load(), time.Now()
	for {
		begun := time.Now()
		if d.cfg.Connected() {
			heard = begun
		} else if begun.Sub(heard) >= d.cfg.TTL {
			d.log.Warn("the dispatcher leaves its subscribers to others: NATS is out of its reach", "run", run)
			return
		}
		call, cancel := context.WithTimeout(ctx, d.cfg.TTL/2)
		now, err := d.store.Keep(call, run, d.cfg.TTL)
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

func (d *Dispatcher) leave(ctx context.Context, run int32) {
	d.run.Store(0)
	ctx, cancel := context.WithTimeout(ctx, d.cfg.TTL)
	defer cancel()
	if err := d.store.Leave(ctx, run); err != nil {
		d.log.Debug("the dispatcher could not leave its subscribers to others; its run ends by itself", "error", err)
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
