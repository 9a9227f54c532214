package porttest

import (
	"context"
	"sync"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
)

// machineLink joins a dispatcher to the machine's store and nodes, until it is cut.
type machineLink struct {
	MachineStore
	w       *machine
	d       *dispatcher.Dispatcher
	mu      sync.Mutex
	cut     bool
	unknown int // of the next write: 1 it is not done, 2 it is, and nobody knows
}

// machineHop is the least that a write, and the word that nobody listens, take: what goes round in circles without any time
// passing would go on for ever in a bubble, and no check would ever see it.
const machineHop = 50 * time.Microsecond

func errCut() error { return kapivara.Refuse(kapivara.Unavailable, "cut") }

func (l *machineLink) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// Keep prolongs the run.
func (l *machineLink) Keep(ctx context.Context, run int32, ttl time.Duration) (time.Time, error) {
	if l.isCut() {
		return time.Time{}, errCut()
	}
	return l.MachineStore.Keep(ctx, run, ttl)
}

// Join begins a run.
func (l *machineLink) Join(ctx context.Context, name string, ttl time.Duration) (int32, error) {
	if l.isCut() {
		return 0, errCut()
	}
	return l.MachineStore.Join(ctx, name, ttl)
}

// Leave ends the run.
func (l *machineLink) Leave(ctx context.Context, run int32) error {
	if l.isCut() {
		return errCut()
	}
	return l.MachineStore.Leave(ctx, run)
}

// Survey tells who works for whom.
func (l *machineLink) Survey(ctx context.Context, run int32, most int) (*kapivara.Survey, error) {
	if l.isCut() {
		return nil, errCut()
	}
	return l.MachineStore.Survey(ctx, run, most)
}

// TakeDuties takes what nobody has.
func (l *machineLink) TakeDuties(ctx context.Context, run int32, subscribers []int32) ([]kapivara.Duty, error) {
	if l.isCut() {
		return nil, errCut()
	}
	return l.MachineStore.TakeDuties(ctx, run, subscribers)
}

// take lets a call take its time.
func (l *machineLink) take() {
	l.w.mu.Lock()
	slow := l.w.slow
	l.w.mu.Unlock()
	time.Sleep(slow)
}

// Look finds what there is to do; turns may overtake what it has found.
func (l *machineLink) Look(
	ctx context.Context, lanes []kapivara.LaneQuery, after kapivara.DueMark, limit int,
) (*kapivara.Look, error) {
	look, err := l.MachineStore.Look(ctx, lanes, after, limit)
	for range l.w.lag {
		l.take()
	}
	return look, err
}

// Deliveries looks deliveries up.
func (l *machineLink) Deliveries(ctx context.Context, refs []kapivara.Ref) ([]kapivara.Numbered, error) {
	found, err := l.MachineStore.Deliveries(ctx, refs)
	l.take()
	return found, err
}

// Events reads the events of deliveries.
func (l *machineLink) Events(
	ctx context.Context, stretches []kapivara.Stretch, limit int, each func(int, []kapivara.Event) error,
) error {
	l.take()
	return l.MachineStore.Events(ctx, stretches, limit, each)
}

// Turn writes a turn as the machine lets it, and holds what it leases against the rule.
func (l *machineLink) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	now, err := unsure(l, func() (*time.Time, error) {
		before := l.Claims(l.w.subscriber.Name)
		l.w.mu.Lock()
		l.w.owners.before = before
		l.w.turnsOften()
		l.w.mu.Unlock()
		now, err := l.MachineStore.Turn(ctx, turn)
		if err == nil {
			l.w.lowestFirst(turn)
		}
		return &now, err
	})
	if now == nil {
		return time.Time{}, err
	}
	return *now, err
}

// Operate does a part of an operator's verb as the machine lets it.
func (l *machineLink) Operate(
	ctx context.Context, hold kapivara.Hold, subscriber string, o *kapivara.Operation, from kapivara.OperateMark,
) (*kapivara.Operated, error) {
	return unsure(l, func() (*kapivara.Operated, error) { return l.MachineStore.Operate(ctx, hold, subscriber, o, from) })
}

// Replay does a part of a replay as the machine lets it.
func (l *machineLink) Replay(
	ctx context.Context, hold kapivara.Hold, subscriber string, r *kapivara.Replay, from kapivara.ReplayMark,
) (*kapivara.Replayed, error) {
	return unsure(l, func() (*kapivara.Replayed, error) { return l.MachineStore.Replay(ctx, hold, subscriber, r, from) })
}

// unsure writes as the machine lets it.
func unsure[T any](l *machineLink, write func() (*T, error)) (*T, error) {
	l.take()
	l.mu.Lock()
	cut, unknown := l.cut, l.unknown
	l.unknown = 0
	l.mu.Unlock()
	if cut || unknown == 1 {
		return nil, kapivara.Refuse(kapivara.OutcomeUnknown, "lost")
	}
	done, err := write()
	time.Sleep(machineHop)
	l.take()
	if unknown == 2 {
		return nil, kapivara.Refuse(kapivara.OutcomeUnknown, "lost")
	}
	return done, err
}

// Notify has nobody to tell.
func (l *machineLink) Notify(string, *kapivara.DeliveryRow) {}

// Line stands for good.
func (l *machineLink) Line() int64 { return 1 }

// Echo is behind the word that nobody listens.
func (l *machineLink) Echo(_ int64, heard func(bool)) {
	time.AfterFunc(2*machineHop, func() { heard(!l.isCut()) })
}
