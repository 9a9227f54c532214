package postgres

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

//go:embed sql/read_subscriber.sql
var readSubscriberSQL string

//go:embed sql/read_delivery.sql
var readDeliverySQL string

// Subscriber reads how a subscriber stands, of one snapshot; not_found where it is not set.
func (r *Reader) Subscriber(ctx context.Context, name string) (kapivara.SubscriberState, error) {
	var state kapivara.SubscriberState
	err := r.snapshot(ctx, func(tx pgx.Tx) error {
		s, err := readSubscriber(ctx, tx, name)
		if err != nil {
			return err
		}
		state.Subscriber = *s
		if state.Standing, err = readStanding(ctx, tx, s.No); err != nil {
			return err
		}
		state.Buckets, err = r.readBuckets(ctx, tx, s)
		return err
	})
	return state, err
}

// readSubscriber reads the subscriber as it is set.
func readSubscriber(ctx context.Context, tx pgx.Tx, name string) (*kapivara.Subscriber, error) {
	var record []byte
	err := tx.QueryRow(ctx, "select to_jsonb(s) from kapivara.subscribers s where s.name = $1 and s.removed is null", name).Scan(&record)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNoSubscriber()
	}
	if err != nil {
		return nil, fmt.Errorf("read subscriber: %w", translate(err, false))
	}
	var row registrySubscriberRow
	if err := json.Unmarshal(record, &row); err != nil {
		return nil, fmt.Errorf("read subscriber: %w", err)
	}
	return row.subscriber(), nil
}

func errNoSubscriber() error {
	return kapivara.Refuse(kapivara.NotFound, "no subscriber has this name; set it in the registry first")
}

func readStanding(ctx context.Context, tx pgx.Tx, subscriber int32) (kapivara.Standing, error) {
	var s kapivara.Standing
	var answered, silent *time.Time
	err := tx.QueryRow(ctx, `select listening, last_answer, silent_since, extra_answers
		from kapivara.standing where subscriber_no = $1`, subscriber).Scan(&s.Listening, &answered, &silent, &s.ExtraAnswers)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return s, fmt.Errorf("read standing: %w", translate(err, false))
	}
	s.LastAnswer, s.SilentSince = readTime(answered), readTime(silent)
	return s, nil
}

// readTime is the time of a column, zero for null.
func readTime(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// readBuckets counts the deliveries of all buckets that the subscriber has, and of older ones with anything unsettled.
func (r *Reader) readBuckets(ctx context.Context, tx pgx.Tx, s *kapivara.Subscriber) ([]kapivara.BucketState, error) {
	waiting, err := r.countWaiting(ctx, tx, s.No)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, readSubscriberSQL, s.Name, waiting.buckets, waiting.pending, waiting.due)
	if err != nil {
		return nil, fmt.Errorf("read buckets: %w", translate(err, false))
	}
	counted := map[kapivara.Bucket]kapivara.BucketState{}
	err = readEach(rows, func(rows pgx.Rows) error {
		var b kapivara.BucketState
		var oldest float64
		err := rows.Scan(&b.Bucket, &b.Pending, &b.Leased, &b.Hidden, &b.Parked, &b.Committed, &b.Discarded, &b.LastNumber, &oldest,
			&b.Owner, &b.Epoch)
		b.Oldest = time.Duration(oldest * float64(time.Second))
		counted[b.Bucket] = b
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read buckets: %w", translate(err, false))
	}
	return kapivara.ListBuckets(s, counted), nil
}

// Delivery reads what the delivery's message says of it, with as many of its events as the weight allows; without events
// where more would be left. Number 0 is the delivery that the bucket committed last. not_found where there is none.
func (r *Reader) Delivery(ctx context.Context, q kapivara.DeliveryQuery) (kapivara.Delivery, kapivara.EventPage, error) {
	d := kapivara.Delivery{Subscriber: q.Subscriber, Bucket: q.Bucket, Canary: q.Bucket.Canary()}
	var bucket bool
	var cause int
	var wait int64
	var committed *time.Time
	err := r.pool.QueryRow(ctx, readDeliverySQL, q.Subscriber, int(q.Bucket), q.Number).Scan(&bucket, &d.Number, &d.Stream,
		&d.Canary, &d.From, &d.To, &cause, &d.Buckets, &wait, &d.Attempt, &committed)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return d, kapivara.EventPage{}, errNoSubscriber()
	case err != nil:
		return d, kapivara.EventPage{}, fmt.Errorf("read delivery: %w", translate(err, false))
	case d.Number == 0 && q.Number == 0:
		return d, kapivara.EventPage{}, kapivara.Refuse(kapivara.NotFound, "the bucket has committed no delivery")
	case d.Number == 0:
		return d, kapivara.EventPage{}, kapivara.Refuse(kapivara.NotFound, "the bucket has no such delivery")
	}
	d.AckWait, d.Cause, d.Committed = time.Duration(wait)*time.Millisecond, readCause(cause), readTime(committed)
	page, err := r.Stream(ctx, kapivara.StreamQuery{
		Stream: d.Stream, From: max(d.From, q.From), To: d.To, After: q.After, Limit: q.Limit, Bytes: q.Bytes,
	})
	d.Version, d.Finish, d.Complete = page.Version, page.Finish, page.Complete()
	return d, page.EventPage, err
}
