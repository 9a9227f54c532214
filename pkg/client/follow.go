package client

import (
	"context"
	"iter"
	"time"
)

// followWait is how long Follow lets the service hold an empty page back.
const followWait = 20 * time.Second

// Follow gives page after page of the log from q.After on, and waits for what is still to be stored, until ctx ends: a
// follower that skips and repeats nothing. Store page.Next together with what you make of page.Events, in one
// transaction, and begin there next time. What IsRetryable is asked again, unseen; any other error ends it. An empty page
// is given as well, when Next has moved on past events that do not fit.
func (c *Client) Follow(ctx context.Context, q LogQuery) iter.Seq2[LogPage, error] {
	return func(yield func(LogPage, error) bool) {
		q.Backward = false
		if q.Wait == 0 {
			q.Wait = followWait
		}
		for {
			var page LogPage
			err := Retry(ctx, func(ctx context.Context) (err error) {
				page, err = c.Log(ctx, q)
				return err
			})
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(LogPage{}, err)
				return
			}
			if page.Next == q.After && len(page.Events) == 0 {
				continue
			}
			if !yield(page, nil) {
				return
			}
			q.After = page.Next
		}
	}
}
