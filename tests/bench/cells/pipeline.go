package cells

import (
	"context"
	"fmt"
	"time"

	"kapivara/pkg/client"
	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
	"kapivara/tests/bench/site"
)

// many is a subscriber that takes all it can.
func many() client.SubscriberPatch {
	buckets, most := 16, 64
	return client.SubscriberPatch{Buckets: &buckets, MaxInFlight: &most}
}

// pipeline appends whole streams while a subscriber takes them.
type pipeline struct {
	*audience
	appender *appender
}

func startPipeline(shared *harness.Shared[*site.Site]) start {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		x, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		a, err := subscribe(ctx, x, "pipeline", load.NewCounts(nil), many())
		if err != nil {
			return nil, err
		}
		p := &pipeline{audience: a}
		if p.appender, err = newAppender(x, inFlight, load.Streams{Prefix: a.prefix(), Events: 1, Length: 5}); err != nil {
			return nil, err
		}
		if err := p.listen(1); err != nil {
			return nil, err
		}
		return p, warm(ctx, s, p)
	}
}

// Round is over when the last commit is confirmed.
func (p *pipeline) Round(ctx context.Context, length time.Duration) (harness.Result, error) {
	began, before := time.Now(), p.appender.writer.Finished
	result, err := p.appender.Round(ctx, length)
	if err != nil {
		return result, err
	}
	finished := p.appender.writer.Finished
	if err := p.counts.Await(ctx, finished); err != nil {
		return result, err
	}
	if committed := (finished - before) * int64(p.appender.writer.Length); committed != result.Operations {
		return result, fmt.Errorf("%d events were appended, %d are of committed deliveries", result.Operations, committed)
	}
	_, last := p.counts.Span()
	result.Elapsed = last.Sub(began)
	return result, nil
}

// Stop leaves.
func (p *pipeline) Stop(ctx context.Context) error { return p.leave(ctx) }
