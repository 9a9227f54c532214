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

var (
	//go:embed sql/read_explain_stream.sql
	readExplainStreamSQL string
	//go:embed sql/read_explain_subscribers.sql
	readExplainSubscribersSQL string
	//go:embed sql/read_explain_types.sql
	readExplainTypesSQL string
)

// Facts gathers what the explanation of a stream rests on, of one snapshot: for the subscriber, or for all where the
// name is "". not_found for a stream or a subscriber that is not there.
func (r *Reader) Facts(ctx context.Context, stream kapivara.Stream, subscriber string) (kapivara.StreamFacts, error) {
	facts := kapivara.StreamFacts{StreamState: kapivara.StreamState{Stream: stream}}
	err := r.snapshot(ctx, func(tx pgx.Tx) error {
		no, err := readExplainStream(ctx, tx, &facts)
		if err != nil {
			return err
		}
		if facts.Subscribers, err = readExplainSubscribers(ctx, tx, subscriber); err != nil {
			return err
		}
		if subscriber != "" && len(facts.Subscribers) == 0 {
			return errNoSubscriber()
		}
		to := readExplainTo(facts.Subscribers)
		if err := readExplainDelivered(ctx, tx, no, to); err != nil {
			return err
		}
		if err := readExplainWaiting(ctx, tx, no, facts.Completed, to); err != nil {
			return err
		}
		if !facts.ByTypes() {
			return nil
		}
		return readExplainTypes(ctx, tx, no, &facts)
	})
	return facts, err
}

func readExplainStream(ctx context.Context, tx pgx.Tx, f *kapivara.StreamFacts) (no int64, err error) {
	var low, high []int32
	err = tx.QueryRow(ctx, readSQL(readExplainStreamSQL, false), string(f.Stream)).Scan(&no, &f.Completed, &f.Version,
		&f.Contiguous, &f.Finish, &f.Canary, &low, &high, &f.Now, &f.Dispatching)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errNoStream()
	}
	if err != nil {
		return 0, fmt.Errorf("explain: stream: %w", translate(err, false))
	}
	f.Missing = readRanges(low, high)
	return no, nil
}

func errNoStream() error {
	return kapivara.Refuse(kapivara.NotFound, "no event of this stream is stored")
}

func readExplainSubscribers(ctx context.Context, tx pgx.Tx, name string) ([]kapivara.SubscriberFacts, error) {
	var list []kapivara.SubscriberFacts
	rows, err := tx.Query(ctx, readExplainSubscribersSQL, name)
	if err == nil {
		err = readEach(rows, func(rows pgx.Rows) error {
			var record []byte
			var f kapivara.SubscriberFacts
			var answered, silent *time.Time
			err := rows.Scan(&record, &f.Gathering[0], &f.Gathering[1], &f.Moving, &f.Dispatching,
				&f.Standing.Listening, &answered, &silent, &f.Standing.ExtraAnswers)
			if err != nil {
				return err
			}
			f.Standing.LastAnswer, f.Standing.SilentSince = readTime(answered), readTime(silent)
			var row registrySubscriberRow
			if err := json.Unmarshal(record, &row); err != nil {
				return err
			}
			f.Subscriber = *row.subscriber()
			list = append(list, f)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("explain: subscribers: %w", translate(err, false))
	}
	return list, nil
}

// readExplainTypes reads what the filters of event types are held against.
func readExplainTypes(ctx context.Context, tx pgx.Tx, stream int64, f *kapivara.StreamFacts) error {
	rows, err := tx.Query(ctx, readExplainTypesSQL, stream, f.Version)
	if err == nil {
		err = readEach(rows, func(rows pgx.Rows) error {
			var name string
			var at int
			err := rows.Scan(&name, &at)
			f.Types, f.TypesAt = append(f.Types, name), append(f.TypesAt, at)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("explain: types: %w", translate(err, false))
	}
	return nil
}
