package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"kapivara/pkg/client"
)

type subscribeCommand struct {
	Subscriber  string        `arg:"" help:"The subscriber; kapivara subscriber set makes one."`
	Exec        string        `placeholder:"COMMAND" help:"Run this shell command for each delivery, with the delivery as JSON on its stdin. Its exit status is the answer: 0 ack, 65 term (park it), anything else nak (send it again)."`
	ExecTimeout time.Duration `placeholder:"DURATION" help:"End a command that runs longer; that is a nak. Without it the deadline is moved on for as long as the command runs."`
	Bucket      []string      `short:"b" placeholder:"BUCKET" help:"Only this bucket. Given again for more."`
	Claim       bool          `help:"Have the deliveries of a bucket go to this node alone: claim its even share of the buckets, or those of --bucket."`
	Count       int           `placeholder:"N" help:"With --claim: at most so many buckets."`
	TTL         time.Duration `name:"ttl" default:"10s" placeholder:"DURATION" help:"With --claim: how long the claim outlives this node if it dies, 1s to 5m. Defaults to ${default}."`
	Number      int64         `short:"n" placeholder:"N" help:"End after so many deliveries."`
	Answer      string        `enum:"ack,nak,term" default:"ack" help:"Without --exec: what to answer to each delivery, ack, nak or term. Defaults to ${default}."`
	JSON        bool          `help:"Without --exec: print each delivery as a line of JSON."`
}

// Run receives deliveries until Ctrl-C, or until there were as many as wanted.
func (cmd *subscribeCommand) Run(a *session) error {
	a.json = cmd.JSON
	options := []client.SubscribeOption{client.WithErrorHandler(func(err error) {
		fmt.Fprintf(a.std.err, "kapivara: %v\n", err)
	})}
	for _, name := range cmd.Bucket {
		bucket, err := client.ParseBucket(name)
		if err != nil {
			return usageError{err}
		}
		options = append(options, client.WithBuckets(bucket))
	}
	if cmd.Count != 0 && !cmd.Claim {
		return usageError{errors.New("--count goes with --claim")}
	}
	if cmd.Claim {
		options = append(options, client.WithClaim(cmd.Count, cmd.TTL))
	}
	return a.with(func(c *client.Client) error {
		w := &worker{cmd: cmd, session: a, enough: make(chan struct{})}
		subscription, err := c.Subscribe(cmd.Subscriber, w.handle, options...)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.std.err, "receiving deliveries of %s, Ctrl-C ends it\n", cmd.Subscriber)
		defer cmd.hint(a, c)()
		select {
		case <-a.ctx.Done():
		case <-w.enough:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		return subscription.Stop(ctx)
	})
}

// hint says when there is no such subscriber, while deliveries are awaited already: a node need not have the right to ask.
func (cmd *subscribeCommand) hint(a *session, c *client.Client) (stop func()) {
	ctx, cancel := context.WithCancel(a.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := c.Subscriber(ctx, cmd.Subscriber); client.IsNotFound(err) {
			fmt.Fprintf(a.std.err, "there is no subscriber %[1]s yet: kapivara subscriber set %[1]s makes it\n", cmd.Subscriber)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// worker prints or runs, for each delivery.
type worker struct {
	cmd     *subscribeCommand
	session *session
	taken   atomic.Int64
	done    atomic.Int64
	enough  chan struct{}
	out     sync.Mutex // whole lines only
}

var errEnough = errors.New("this node has taken as many as it was told to")

func (w *worker) handle(ctx context.Context, d *client.Delivery) error {
	if n := w.cmd.Number; n > 0 && w.taken.Add(1) > n {
		return client.RetryAfter(0, errEnough)
	}
	defer func() {
		if w.done.Add(1) == w.cmd.Number {
			close(w.enough)
		}
	}()
	if w.cmd.Exec != "" {
		return w.exec(ctx, d)
	}
	if err := w.print(ctx, d); err != nil {
		return err
	}
	switch w.cmd.Answer {
	case "nak":
		return errors.New("answered by hand")
	case "term":
		return client.Terminate(errors.New("answered by hand"))
	default:
		return nil
	}
}

func (w *worker) print(ctx context.Context, d *client.Delivery) error {
	defer keepGoing(ctx, d)() // others may print before it
	w.out.Lock()
	defer w.out.Unlock()
	out := w.session.std.out
	if !w.cmd.JSON {
		_, err := fmt.Fprintf(out, "%s\n", deliveryLine(d))
		return err
	}
	return printDelivered(ctx, out, d, true)
}
