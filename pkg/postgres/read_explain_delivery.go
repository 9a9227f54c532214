package postgres

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/read_explain_delivered.sql
	readExplainDeliveredSQL string
	//go:embed sql/read_explain_waiting.sql
	readExplainWaitingSQL string
	//go:embed sql/read_explain_busy.sql
	readExplainBusySQL string
)

// readExplainSQL completes a statement of an explanation.
func readExplainSQL(statement string) string {
	return strings.NewReplacer("{delivery}", readDeliveryColumns, "{waiting}", readWaitingColumns, "{busy}", readExplainBusySQL).Replace(statement)
}

// readExplained are the subscribers of an explanation by their numbers.
type readExplained struct {
	nos  []int32
	byNo map[int32]*kapivara.SubscriberFacts
}

func readExplainTo(list []kapivara.SubscriberFacts) *readExplained {
	to := &readExplained{byNo: make(map[int32]*kapivara.SubscriberFacts, len(list))}
	for i := range list {
		no := list[i].Subscriber.No
		to.nos, to.byNo[no] = append(to.nos, no), &list[i]
	}
	return to
}

// readBucketFacts is what is read of the bucket in which a delivery stands.
type readBucketFacts struct {
	owner           string
	until, deadline *time.Time
	leased, attempt int
	number          int64
}

func (b *readBucketFacts) scan() []any {
	return []any{&b.owner, &b.until, &b.leased, &b.number, &b.attempt, &b.deadline}
}

// of puts down the delivery and what is known of its bucket.
func (b *readBucketFacts) of(f *kapivara.SubscriberFacts, row *kapivara.DeliveryRow) {
	f.Delivery, f.Node, f.NodeUntil = row, b.owner, readTime(b.until)
	f.InFlight, f.Busy = b.leased, nil
	if b.leased > 0 {
		f.Busy = &kapivara.DeliveryRow{
			Bucket: row.Bucket, Number: b.number, Attempt: b.attempt, State: kapivara.Leased, Deadline: readTime(b.deadline),
		}
	}
}

// readExplainDelivered reads the latest delivery of the stream to each subscriber, and the first that is not settled.
func readExplainDelivered(ctx context.Context, tx pgx.Tx, stream int64, to *readExplained) error {
	rows, err := tx.Query(ctx, readExplainSQL(readExplainDeliveredSQL), stream, to.nos)
	if err == nil {
		err = readEach(rows, func(rows pgx.Rows) error {
			var no int32
			var answer int
			var latest bool
			var bucket readBucketFacts
			row, err := readDelivery(rows, append([]any{&latest, &no, &answer}, bucket.scan()...)...)
			switch f := to.byNo[no]; {
			case err != nil:
			case latest:
				bucket.of(f, &row)
				f.Answer, f.Missed = dispatchVerdict(answer)
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

// readExplainWaiting reads to whom the stream is due without having been leased for that. It goes before what was
// delivered earlier; what was not settled of that holds it back.
func readExplainWaiting(ctx context.Context, tx pgx.Tx, stream, completed int64, to *readExplained) error {
	rows, err := tx.Query(ctx, readExplainSQL(readExplainWaitingSQL), stream, completed, to.nos, kapivara.MaxAhead)
	waiting := map[int32]bool{}
	if err == nil {
		err = readEach(rows, func(rows pgx.Rows) error {
			var no int32
			var ahead int
			var bucket readBucketFacts
			row, err := readDelivery(rows, append([]any{&no, &ahead}, bucket.scan()...)...)
			if err == nil {
				waiting[no] = true
				f := to.byNo[no]
				bucket.of(f, &row)
				f.Answer, f.Missed, f.Ahead = "", false, ahead
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("explain: outbox: %w", translate(err, false))
	}
	for no, f := range to.byNo {
		if !waiting[no] {
			f.Holding = nil // it is the delivery itself, or holds nothing back
		}
	}
	return nil
}
