package rivals

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
)

// The numbers of workers and milliseconds are those of River's own bench, which says that they do best.
const (
	riverConns    = 20
	riverWorkers  = 2_000
	riverCooldown = 2 * time.Millisecond
	riverPoll     = 20 * time.Millisecond
	riverBatch    = 1_000
	riverWaiting  = 10_000 // no more are inserted before they are worked
)

// riverJob is a job that has an event as its arguments.
type riverJob struct {
	ID     string          `json:"id"`
	Stream string          `json:"stream"`
	Data   json.RawMessage `json:"data"`
}

// Kind is the job's kind.
func (riverJob) Kind() string { return eventType }

// riverJobs inserts jobs and works them in one client: a round ends when all that it inserted are recorded as completed.
func riverJobs(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
	pool, err := newPool(ctx, s, riverConns, "")
	if err != nil {
		return nil, err
	}
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("river's schema: %w", err)
	}
	s.Version("River", moduleVersion("github.com/riverqueue/river"))
	r := rounds{stage: s, analyze: analyzing(pool), count: countOf(pool, "select count(*) from river_job where state = 'completed'")}
	r.load = func(ctx context.Context, length time.Duration) (harness.Result, error) {
		return riverRound(ctx, driver, length)
	}
	return r.start(ctx)
}

// riverRound has a client of its own, which would look for jobs while other cells are measured.
func riverRound(ctx context.Context, driver *riverpgxv5.Driver, length time.Duration) (harness.Result, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[riverJob]) error { return nil }))
	client, err := river.NewClient(driver, &river.Config{
		FetchCooldown: riverCooldown, FetchPollInterval: riverPoll, Workers: workers, Logger: slog.New(slog.DiscardHandler),
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverWorkers}},
	})
	if err != nil {
		return harness.Result{}, fmt.Errorf("river's client: %w", err)
	}
	events, unsubscribe := client.SubscribeConfig(&river.SubscribeConfig{
		ChanSize: 2 * riverWaiting, // one that does not fit is dropped
		Kinds:    []river.EventKind{river.EventKindJobCompleted, river.EventKindJobFailed, river.EventKindJobCancelled},
	})
	defer unsubscribe()
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return harness.Result{}, fmt.Errorf("start river: %w", err)
	}
	r, err := riverLoad(ctx, client, events, length)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	if failed := client.Stop(stop); failed != nil && err == nil {
		err = fmt.Errorf("stop river: %w", failed)
	}
	return r, err
}

// riverLoad inserts for so long and waits until all is completed.
func riverLoad(ctx context.Context, client *river.Client[pgx.Tx], events <-chan *river.Event, length time.Duration) (harness.Result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, length+answerWithin, fmt.Errorf("not all jobs are completed within %v", answerWithin))
	defer cancel()
	var inserted, completed atomic.Int64
	var failed error
	room, done := make(chan struct{}, 1), make(chan struct{})
	began := time.Now()
	go func() {
		defer close(done)
		failed = riverInsert(ctx, client, began.Add(length), &inserted, &completed, room)
	}()
	inserting := done
	for inserting != nil || completed.Load() < inserted.Load() {
		select {
		case <-inserting:
			inserting = nil
		case e := <-events:
			if e.Kind != river.EventKindJobCompleted {
				cancel()
				<-done
				return harness.Result{}, fmt.Errorf("a job has %s", e.Kind)
			}
			completed.Add(1)
			select {
			case room <- struct{}{}:
			default:
			}
		case <-ctx.Done():
			<-done
			return harness.Result{}, context.Cause(ctx)
		}
	}
	return harness.Result{Operations: completed.Load(), Elapsed: time.Since(began)}, failed
}

// riverInsert inserts until then, as long as not too many wait; room says when some were completed.
func riverInsert(ctx context.Context, client *river.Client[pgx.Tx], until time.Time, inserted, completed *atomic.Int64, room <-chan struct{}) error {
	jobs := make([]river.InsertManyParams, riverBatch)
	for time.Now().Before(until) {
		if inserted.Load()-completed.Load() > riverWaiting-riverBatch {
			select {
			case <-room:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			continue
		}
		for n := range jobs {
			id := uuid.Must(uuid.NewV7()).String()
			jobs[n].Args = riverJob{ID: id, Stream: streamPrefix + id, Data: load.Data()}
		}
		n, err := client.InsertManyFast(ctx, jobs)
		inserted.Add(int64(n))
		if err != nil {
			return fmt.Errorf("insert: %w", err)
		}
	}
	return nil
}
