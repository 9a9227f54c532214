package cells

import (
	"context"
	"fmt"

	"kapivara/pkg/client"
	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
	"kapivara/tests/bench/site"
)

func busCells() []harness.Cell {
	bus := &harness.Shared[*site.Site]{Make: func(ctx context.Context, s *harness.Stage) (*site.Site, error) {
		return site.Start(ctx, s, harness.Writer, harness.Dispatcher)
	}}
	return []harness.Cell{
		{Name: Delivery, Unit: "deliveries", About: "from sending a final event to the handler, 200 streams/s, a subscriber with its defaults", Start: deliveries(bus, "busy")},
		{Name: DeliveryQuiet, Unit: "deliveries", About: "the same for one stream after 60 quiet seconds", Start: quiet(bus)},
		{Name: Pipeline, About: "appended 1 a request, delivered and committed in streams of 5, 512 requests in flight", Start: startPipeline(bus)},
		{Name: Backlog, Unit: "deliveries", About: "committed of 100,000 pending streams of 1 event, 16 buckets, 64 in flight of each, 4 nodes", Start: startBacklog(bus)},
		{Name: OneBucket, Unit: "deliveries", About: "committed, one bucket, one in flight", Start: startOneBucket(bus)},
	}
}

// audience is a subscriber of the bench with streams of its own: those below bench/<name>/order/.
type audience struct {
	*site.Site
	name   string
	counts *load.Counts
	nodes  []*load.Node
}

// subscribe registers the subscriber.
func subscribe(ctx context.Context, x *site.Site, name string, counts *load.Counts, patch client.SubscriberPatch) (*audience, error) {
	a := &audience{Site: x, name: name, counts: counts}
	patch.Streams = &client.Filter{a.prefix() + "*"}
	if _, err := x.Client.SetSubscriber(ctx, name, patch); err != nil {
		return nil, fmt.Errorf("register %s: %w", name, err)
	}
	return a, nil
}

// prefix begins the names of its streams.
func (a *audience) prefix() string { return "bench/" + a.name + "/order/" }

// listen starts so many nodes, each with a connection of its own.
func (a *audience) listen(nodes int) error {
	for range nodes {
		nc, err := a.Connect()
		if err != nil {
			return err
		}
		node, err := load.StartNode(nc, a.name, a.counts)
		if err != nil {
			return err
		}
		a.nodes = append(a.nodes, node)
	}
	return nil
}

// leave stops the nodes; what has come to them is committed.
func (a *audience) leave(ctx context.Context) error {
	for _, node := range a.nodes {
		if err := node.Stop(ctx); err != nil {
			return err
		}
	}
	err := a.counts.Settled(ctx)
	for _, node := range a.nodes {
		node.Close()
	}
	a.nodes = nil
	return err
}

// append appends so many streams of one event, each due to the subscriber.
func (a *audience) append(ctx context.Context, streams int64) error {
	if streams <= 0 {
		return nil
	}
	nc, err := a.Connect()
	if err != nil {
		return err
	}
	defer nc.Close()
	writer := load.NewWriter(inFlight, load.Streams{Prefix: a.prefix(), Events: 1, Length: 1})
	pump := load.Pump{
		Conn: nc, Subject: appendSubject, InFlight: inFlight, Check: load.Stored,
		Next: writer.UpTo(streams),
	}
	tally, err := pump.Run(ctx, load.Forever)
	if err == nil && tally.Requests != streams {
		err = fmt.Errorf("%d of %d streams were appended", tally.Requests, streams)
	}
	return err
}

// quickly is n, or less for a quick look.
func quickly(s *harness.Stage, n, quick int64) int64 {
	if s.Quick {
		return quick
	}
	return n
}
