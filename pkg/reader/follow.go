package reader

import (
	"context"
	"time"

	"kapivara/pkg/kapivara"
)

// A follower whose page is empty waits without holding a goroutine or a connection of the store: its query lies in
// Reader.waiters. One goroutine reads what is new in the log, once for all of them, and answers those whom it fits.

// waiter is a follower that waits. While it is in the set its fields are guarded by Reader.mu; then they belong to whoever
// took it out.
type waiter struct {
	query  kapivara.LogQuery // After is how far it has looked
	head   int64             // when it looked last
	answer func(kapivara.LogPage, error)
	timer  *time.Timer
	fits   []kapivara.Event
}

// Log reads the log and answers by answer, once, from any goroutine. An empty page is held back until a fitting event is
// stored or wait is over; it returns before that. It looks for what fits for a bounded time: then it answers with how far it
// has looked, and the follower goes on from there. A page that was stopped short is no error.
func (r *Reader) Log(ctx context.Context, q kapivara.LogQuery, wait time.Duration, answer func(kapivara.LogPage, error)) {
	if err := checkLog(&q, wait); err != nil {
		answer(kapivara.LogPage{}, err)
		return
	}
	q.Bytes = r.config.PageBytes
	page, err := r.look(ctx, q)
	if err != nil || wait == 0 || len(page.Events) > 0 || page.More() {
		answer(page, err)
		return
	}
	q.After = page.Next
	r.wait(&waiter{query: q, head: page.Head, answer: answer}, wait)
}

func checkLog(q *kapivara.LogQuery, wait time.Duration) error {
	switch {
	case wait < 0 || wait > kapivara.MaxWait:
		return kapivara.Invalid("wait", "wait is 0s to 30s")
	case wait > 0 && q.Backward:
		return kapivara.Invalid("wait", "nothing new comes below: backward goes without wait")
	}
	return q.Check()
}

// look reads stretches of the log until something fits, the end is reached, or it has looked long enough.
func (r *Reader) look(ctx context.Context, q kapivara.LogQuery) (kapivara.LogPage, error) {
	until := time.Now().Add(r.config.LookFor)
	for {
		page, err := ask(ctx, r, "log", func(ctx context.Context) (kapivara.LogPage, error) { return r.store.Log(ctx, q) })
		if err != nil || len(page.Events) > 0 || !page.More() || time.Now().After(until) {
			return page, err
		}
		q.After = page.Next
	}
}

// wait puts the waiter into the set, or answers it where none can be taken.
func (r *Reader) wait(w *waiter, wait time.Duration) {
	r.mu.Lock()
	full := len(r.waiters) >= r.config.Waiters
	taken := r.open && !full
	if taken {
		r.waiters[w] = struct{}{}
		w.timer = time.AfterFunc(wait, func() { r.expire(w) })
	}
	open, missed := r.open, r.told > w.query.After
	r.mu.Unlock()
	switch {
	case taken && missed:
		r.stir() // it was told of after the waiter had looked, and before it waited
	case taken:
	case open:
		w.answer(kapivara.LogPage{}, &kapivara.Error{
			Code: kapivara.Busy, Message: "too many followers wait; send the same request again after retry_after",
			Facts: kapivara.Facts{RetryAfter: "1s"},
		})
	default:
		w.answer(w.page(), nil)
	}
}

// page is what the waiter has: what fits, or how far it has looked.
func (w *waiter) page() kapivara.LogPage {
	return kapivara.LogPage{Events: w.fits, Head: w.head, Next: w.query.After}
}

// take takes a waiter out of the set; false when somebody else has.
func (r *Reader) take(w *waiter) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, there := r.waiters[w]
	delete(r.waiters, w)
	return there
}

func (r *Reader) expire(w *waiter) {
	if r.take(w) {
		w.answer(w.page(), nil)
	}
}

// Committed tells of a commit that has brought the log to head. It never waits. Commits that are not told are found by
// the slow poll.
func (r *Reader) Committed(head int64) {
	r.mu.Lock()
	r.told = max(r.told, head)
	waited := len(r.waiters) > 0
	r.mu.Unlock()
	if waited {
		r.stir()
	}
}

func (r *Reader) stir() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// follow serves the waiters until ctx ends.
func (r *Reader) follow(ctx context.Context) {
	poll := time.NewTicker(r.config.Poll)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-poll.C:
		}
		for r.advance(ctx) {
		}
	}
}

// advance reads the next stretch of the log for all waiters, and tells whether it goes on. Where the store does not
// answer, the waiters wait on: what they get at their end is as true as before.
func (r *Reader) advance(ctx context.Context) bool {
	from, any := r.lowest()
	if !any {
		return false
	}
	q := kapivara.LogQuery{After: from, Limit: kapivara.MaxPage, Bytes: r.config.PageBytes}
	page, err := ask(ctx, r, "log", func(ctx context.Context) (kapivara.LogPage, error) { return r.store.Log(ctx, q) })
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("the log could not be read for waiting followers", "error", err)
		}
		return false
	}
	for _, w := range r.share(&page) {
		w.answer(w.page(), nil)
	}
	return page.More()
}

// lowest is the log position from which on some waiter has not looked.
func (r *Reader) lowest() (from int64, any bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for w := range r.waiters {
		if !any || w.query.After < from {
			from, any = w.query.After, true
		}
	}
	return from, any
}

// share shows the page to all waiters, and takes out those that found something.
func (r *Reader) share(page *kapivara.LogPage) []*waiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	var served []*waiter
	for w := range r.waiters {
		if w.see(page); len(w.fits) > 0 {
			delete(r.waiters, w)
			w.timer.Stop()
			served = append(served, w)
		}
	}
	return served
}

// see looks at the events of the page that the waiter has not seen, up to its limit.
func (w *waiter) see(page *kapivara.LogPage) {
	if w.query.After >= page.Next {
		return
	}
	w.head = page.Head
	for i := range page.Events {
		e := &page.Events[i]
		if e.LogPosition <= w.query.After || !w.query.Fits(e) {
			continue
		}
		w.fits = append(w.fits, *e)
		if len(w.fits) == w.query.Limit {
			w.query.After = e.LogPosition
			return
		}
	}
	w.query.After = page.Next
}
