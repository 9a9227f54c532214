package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"kapivara/pkg/client"
)

type demoCommand struct {
	Orders int    `default:"300" help:"How many order streams. Defaults to ${default}."`
	Seed   uint64 `default:"1" help:"Another seed makes other orders. Defaults to ${default}."`
	Keep   string `placeholder:"FOLDER" help:"Keep the data in this folder. Without it nothing stays."`
}

const (
	demoPublisher  = "shop"
	demoSubscriber = "billing"
	demoBuckets    = 6
	demoTime       = 2 * time.Minute
)

// Run starts a bus of its own, puts the sample log through it, and checks what comes out.
func (cmd *demoCommand) Run(a *session) (err error) {
	if cmd.Orders < 10 || cmd.Orders > 100_000 {
		return usage("--orders is 10 to 100000")
	}
	dir := cmd.Keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "kapivara-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	ctx, cancel := context.WithTimeout(a.ctx, demoTime)
	defer cancel()
	started := time.Now()
	fmt.Fprintln(a.std.out, "Starting NATS, a private PostgreSQL and the three services …")
	log := slog.New(slog.NewTextHandler(a.std.err, &slog.HandlerOptions{Level: slog.LevelError}))
	url, stop, err := startEmbedded(ctx, embedded{DataDir: dir, Log: log})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		err = errors.Join(err, stop(ctx))
	}()
	c, err := client.Connect(url, client.WithName("kapivara-demo"))
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(a.std.out, "… serving on %s after %.1f s\n\n", url, time.Since(started).Seconds())
	return cmd.show(ctx, a, c, started)
}

// show is the demo itself: set a subscriber, append, work off, check.
func (cmd *demoCommand) show(ctx context.Context, a *session, c *client.Client, started time.Time) error {
	if _, err := c.SetSubscriber(ctx, demoSubscriber, demoSettings()); err != nil {
		return err
	}
	sample := newSample(cmd.Orders, cmd.Seed)
	fmt.Fprintf(a.std.out, "The subscriber %q wants every finished order, in %d buckets.\n", demoSubscriber, demoBuckets)
	fmt.Fprintf(a.std.out, "The shop sends %s events of %s orders: shuffled, %s of them twice, %d orders with an event that never comes.\n\n",
		thousands(len(sample.arrivals)), thousands(cmd.Orders), thousands(sample.repeats), len(sample.holes))

	view := startDemoView(ctx, a, c)
	defer view.stop()
	appended, err := appendSample(ctx, c, sample)
	if err != nil {
		return err
	}
	work := newDemoWork(sample)
	subscription, err := c.Subscribe(demoSubscriber, work.handle, client.WithErrorHandler(work.failed))
	if err != nil {
		return err
	}
	waited := work.wait(ctx)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if err := errors.Join(waited, subscription.Stop(stopping)); err != nil {
		return err
	}
	state, err := c.SubscriberState(ctx, demoSubscriber, client.SubscriberQuery{Limit: 1})
	if err != nil {
		return err
	}
	view.stop()
	if ok := work.report(a.std.out, appended, state, time.Since(started)); !ok {
		return errors.New("the demo found something wrong: see the table")
	}
	return cmd.explain(ctx, a, c, sample)
}

// explain asks the store about an order that was not delivered.
func (cmd *demoCommand) explain(ctx context.Context, a *session, c *client.Client, sample *sample) error {
	if len(sample.holes) == 0 {
		return nil
	}
	stream := slices.Min(slices.Collect(maps.Keys(sample.holes)))
	e, err := c.Explain(ctx, stream, demoSubscriber)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.std.out, "\nWhy was %s not delivered?\n  %s\n", stream, standing(e.State))
	for _, r := range e.Subscribers {
		fmt.Fprintf(a.std.out, "  %s: %s\n", headline(r), r.Why)
	}
	return nil
}

func demoSettings() client.SubscriberPatch {
	buckets, inFlight, ackWait, backoff := demoBuckets, 4, "10s", []string{"100ms", "1s"}
	streams, description := client.Filter{samplePrefix + "*"}, "invoices for finished orders"
	return client.SubscriberPatch{
		Description: &description, Streams: &streams, Buckets: &buckets, MaxInFlight: &inFlight, AckWait: &ackWait, Backoff: &backoff,
	}
}
