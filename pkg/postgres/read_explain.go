package postgres

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/read_explain_stream.sql
	readExplainStreamSQL string
	//go:embed sql/read_explain_subscribers.sql
	readExplainSubscribersSQL string
	//go:embed sql/read_explain_delivered.sql
	readExplainDeliveredSQL string
	//go:embed sql/read_explain_waiting.sql
	readExplainWaitingSQL string
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
		byNo := make(map[int32]*kapivara.SubscriberFacts, len(facts.Subscribers))
		for i := range facts.Subscribers {
			byNo[facts.Subscribers[i].Subscriber.No] = &facts.Subscribers[i]
		}
		if err := readExplainDelivered(ctx, tx, no, byNo); err != nil {
			return err
		}
		return readExplainWaiting(ctx, tx, no, facts.Completed, byNo)
	})
	return facts, err
}

func readExplainStream(ctx context.Context, tx pgx.Tx, f *kapivara.StreamFacts) (no int64, err error) {
	var low, high []int32
	err = tx.QueryRow(ctx, readSQL(readExplainStreamSQL, false), string(f.Stream)).Scan(&no, &f.Completed, &f.Version,
		&f.Contiguous, &f.Finish, &f.Canary, &low, &high, &f.Now, &f.Dispatching, &f.Types, &f.TypesAt)
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

// readExplainDelivered reads the latest delivery of the stream to each subscriber, and the first that is not settled.
func readExplainDelivered(ctx context.Context, tx pgx.Tx, stream int64, byNo map[int32]*kapivara.SubscriberFacts) error {
	rows, err := tx.Query(ctx, strings.ReplaceAll(readExplainDeliveredSQL, "{delivery}", readDeliveryColumns), stream)
	if err == nil {
		err = readEach(rows, func(rows pgx.Rows) error {
			var no int32
			var answer int
			var latest bool
			var owner string
			var until *time.Time
			row, err := readDelivery(rows, &latest, &no, &answer, &owner, &until)
			switch f := byNo[no]; {
			case err != nil || f == nil:
			case latest:
				f.Delivery, f.Answer, f.Node, f.NodeUntil = &row, readAnswer(answer), owner, readTime(until)
			default:
				f.Holding = &row
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("explain: deliveries: %w", translate(err, false))
	}
	return nil
}

// readAnswer is what a node said to the last attempt, by its number in the store.
func readAnswer(number int) kapivara.Verdict {
	switch number {
	case dispatchNak:
		return kapivara.Nak
	case dispatchTerm:
		return kapivara.Term
	default:
		return ""
	}
}

// readExplainWaiting reads to whom the stream is due without having been leased for that. It goes before what was
// delivered earlier; what was not settled of that holds it back.
func readExplainWaiting(ctx context.Context, tx pgx.Tx, stream, completed int64, byNo map[int32]*kapivara.SubscriberFacts) error {
	rows, err := tx.Query(ctx, strings.ReplaceAll(readExplainWaitingSQL, "{waiting}", readWaitingColumns), stream, completed, kapivara.MaxAhead)
	waiting := map[int32]bool{}
	if err == nil {
		err = readEach(rows, func(rows pgx.Rows) error {
			var no int32
			var w readWaitingFacts
			row, err := readDelivery(rows, &no, &w.ahead, &w.leased, &w.busy.Number, &w.busy.Attempt, &w.deadline, &w.owner, &w.until)
			if f := byNo[no]; err == nil && f != nil {
				waiting[no] = true
				w.into(f, &row)
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("explain: outbox: %w", translate(err, false))
	}
	for no, f := range byNo {
		if !waiting[no] {
			f.Holding = nil // it is the delivery itself, or holds nothing back
		}
	}
	return nil
}

// readWaitingFacts is what is read of a bucket in which a stream waits.
type readWaitingFacts struct {
	ahead, leased int
	busy          kapivara.DeliveryRow
	deadline      *time.Time
	owner         string
	until         *time.Time
}

func (w *readWaitingFacts) into(f *kapivara.SubscriberFacts, row *kapivara.DeliveryRow) {
	f.Delivery, f.Answer = row, ""
	f.Ahead, f.InFlight = w.ahead, w.leased
	f.Node, f.NodeUntil = w.owner, readTime(w.until)
	if w.leased > 0 {
		w.busy.Bucket, w.busy.State, w.busy.Deadline = row.Bucket, kapivara.Leased, readTime(w.deadline)
		f.Busy = &w.busy
	}
}
