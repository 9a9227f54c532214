package postgres_test

import (
	"context"
	"time"

	"kapivara/pkg/kapivara"
)

// What reads the database's clock or writes its time does so at the bubble's.

func (f *machineFixture) Subscribe(s kapivara.Subscriber) int32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ticked()
	return f.dispatchFixture.Subscribe(s)
}

func (f *machineFixture) Append(stream kapivara.Stream, canary bool, final int, positions ...int) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ticked()
	return f.dispatchFixture.Append(stream, canary, final, positions...)
}

func (f *machineFixture) Join(ctx context.Context, name string, ttl time.Duration) (int32, error) {
	f.tick()
	return f.Dispatch.Join(ctx, name, ttl)
}

func (f *machineFixture) Keep(ctx context.Context, run int32, ttl time.Duration) (time.Time, error) {
	f.tick()
	return f.Dispatch.Keep(ctx, run, ttl)
}

func (f *machineFixture) Survey(ctx context.Context, run int32, most int) (*kapivara.Survey, error) {
	f.tick()
	return f.Dispatch.Survey(ctx, run, most)
}

func (f *machineFixture) TakeDuties(ctx context.Context, run int32, subscribers []int32) ([]kapivara.Duty, error) {
	f.tick()
	return f.Dispatch.TakeDuties(ctx, run, subscribers)
}

func (f *machineFixture) Owner(ctx context.Context, subscriber string) (int32, error) {
	f.tick()
	return f.Dispatch.Owner(ctx, subscriber)
}

func (f *machineFixture) OpenBuckets(ctx context.Context, hold kapivara.Hold, buckets []kapivara.BucketRow) ([]kapivara.BucketRow, error) {
	f.tick()
	defer f.write()()
	return f.Dispatch.OpenBuckets(ctx, hold, buckets)
}

func (f *machineFixture) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	f.tick()
	defer f.write()()
	return f.Dispatch.Turn(ctx, turn)
}

func (f *machineFixture) Operate(
	ctx context.Context, hold kapivara.Hold, subscriber string, o *kapivara.Operation, from kapivara.OperateMark,
) (*kapivara.Operated, error) {
	f.tick()
	defer f.write()()
	return f.Dispatch.Operate(ctx, hold, subscriber, o, from)
}

func (f *machineFixture) Replay(
	ctx context.Context, hold kapivara.Hold, subscriber string, r *kapivara.Replay, from kapivara.ReplayMark,
) (*kapivara.Replayed, error) {
	f.tick()
	return f.Dispatch.Replay(ctx, hold, subscriber, r, from)
}
