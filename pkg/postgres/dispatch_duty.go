package postgres

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// The statements of the duties; each file says what its statement guarantees.
var (
	//go:embed sql/duty_join.sql
	dutyJoinSQL string
	//go:embed sql/duty_sweep.sql
	dutySweepSQL string
	//go:embed sql/duty_keep.sql
	dutyKeepSQL string
	//go:embed sql/duty_leave.sql
	dutyLeaveSQL string
	//go:embed sql/duty_survey.sql
	dutySurveySQL string
	//go:embed sql/duty_bury.sql
	dutyBurySQL string
	//go:embed sql/duty_take.sql
	dutyTakeSQL string
	//go:embed sql/duty_give.sql
	dutyGiveSQL string
	//go:embed sql/duty_owner.sql
	dutyOwnerSQL string
)

// Join registers a run of a dispatcher that lives for ttl, and sweeps up what earlier ones have left.
func (d *Dispatch) Join(ctx context.Context, name string, ttl time.Duration) (dispatcher int32, err error) {
	if _, err := d.pool.Exec(ctx, dutySweepSQL); err != nil {
		return 0, dispatchError("sweep the duties", err, false)
	}
	if err := d.pool.QueryRow(ctx, dutyJoinSQL, name, ttl.Microseconds()).Scan(&dispatcher); err != nil {
		return 0, dispatchError("join", err, false)
	}
	return dispatcher, nil
}

// Keep prolongs the run to ttl from now and gives the database's time.
func (d *Dispatch) Keep(ctx context.Context, dispatcher int32, ttl time.Duration) (now time.Time, err error) {
	err = d.pool.QueryRow(ctx, dutyKeepSQL, dispatcher, ttl.Microseconds()).Scan(&now)
	if errors.Is(err, pgx.ErrNoRows) {
		return now, kapivara.ErrOffDuty
	}
	if err != nil {
		return now, dispatchError("keep the run", err, false)
	}
	return now, nil
}

// Leave ends the run with all its duties.
func (d *Dispatch) Leave(ctx context.Context, dispatcher int32) error {
	if _, err := d.pool.Exec(ctx, dutyLeaveSQL, dispatcher); err != nil {
		return dispatchError("leave", err, false)
	}
	return nil
}

// Survey gives who works for whom.
func (d *Dispatch) Survey(ctx context.Context, dispatcher int32, most int) (*kapivara.Survey, error) {
	ctx, cancel := context.WithTimeout(ctx, dispatchTimeout)
	defer cancel()
	s := &kapivara.Survey{}
	var living, mine []int32
	var loads, epochs []int64
	err := d.pool.QueryRow(ctx, dutySurveySQL, dispatcher, most).Scan(&s.Subscribers, &living, &loads, &mine, &epochs, &s.Free)
	if err != nil {
		return nil, dispatchError("survey the duties", err, false)
	}
	for i := range living {
		s.Living = append(s.Living, kapivara.Load{Dispatcher: living[i], Duties: int(loads[i])})
	}
	for i := range mine {
		s.Mine = append(s.Mine, kapivara.Duty{Subscriber: mine[i], Epoch: epochs[i]})
	}
	return s, nil
}

// TakeDuties takes those of the subscribers' duties that nobody living has, and gives them.
func (d *Dispatch) TakeDuties(ctx context.Context, dispatcher int32, subscribers []int32) (taken []kapivara.Duty, err error) {
	_, err = d.write(ctx, kapivara.Hold{Dispatcher: dispatcher}, func(batch *pgx.Batch) {
		batch.Queue(dutyBurySQL)
		batch.Queue(dutyTakeSQL, dispatcher, subscribers).Query(func(rows pgx.Rows) error {
			return readEach(rows, func(rows pgx.Rows) error {
				var duty kapivara.Duty
				err := rows.Scan(&duty.Subscriber, &duty.Epoch)
				taken = append(taken, duty)
				return err
			})
		})
	})
	if err != nil {
		return nil, dispatchError("take duties", err, true)
	}
	return taken, nil
}

// GiveDuties gives duties of the run up.
func (d *Dispatch) GiveDuties(ctx context.Context, dispatcher int32, subscribers []int32) error {
	ctx, cancel := context.WithTimeout(ctx, dispatchTimeout)
	defer cancel()
	if _, err := d.pool.Exec(ctx, dutyGiveSQL, dispatcher, subscribers); err != nil {
		return dispatchError("give duties", err, true)
	}
	return nil
}

// Owner gives the dispatcher that works for the subscriber, 0 where none does; not_found where there is no such
// subscriber.
func (d *Dispatch) Owner(ctx context.Context, subscriber string) (dispatcher int32, err error) {
	ctx, cancel := context.WithTimeout(ctx, dispatchTimeout)
	defer cancel()
	err = d.pool.QueryRow(ctx, dutyOwnerSQL, subscriber).Scan(&dispatcher)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, kapivara.Refuse(kapivara.NotFound, "there is no subscriber %s", subscriber)
	}
	if err != nil {
		return 0, dispatchError("look for the dispatcher of a subscriber", err, false)
	}
	return dispatcher, nil
}
