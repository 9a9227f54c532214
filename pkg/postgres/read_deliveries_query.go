package postgres

import (
	"github.com/uptrace/bun"

	"kapivara/pkg/kapivara"
)

// readBucketOrder is kapivara.Bucket.Order in SQL.
const readBucketOrder = `case when b.bucket >= 0 then b.bucket else 1023 - b.bucket end`

// numberedQuery selects numbered deliveries: bucket by bucket the next numbers in the state asked for, each by an index
// on (bucket_no, number), and only then what belongs to them.
func (r *Reader) numberedQuery(q kapivara.DeliveriesQuery) *bun.SelectQuery {
	query := r.pool.Bun().NewSelect().ColumnExpr(readDeliveryColumns).
		TableExpr("kapivara.buckets as b").
		Join("cross join lateral (?) as x", r.numbersQuery(q)).
		Join("join kapivara.deliveries as d on d.bucket_no = b.bucket_no and d.number = x.number").
		Join("join kapivara.streams as s on s.stream_no = d.stream_no").
		Join("left join kapivara.commits as c on c.bucket_no = d.bucket_no and c.number = d.number").
		Join("left join kapivara.retries as r on r.bucket_no = d.bucket_no and r.number = d.number").
		Where("b.subscriber = ?", q.Subscriber).
		OrderExpr(readBucketOrder + ", x.number").Limit(int64(q.Limit + 1))
	if q.Bucket != nil {
		query.Where("b.bucket = ?", int(*q.Bucket))
	}
	if q.After.Number > 0 {
		query.Where(readBucketOrder+" >= ?", q.After.Bucket.Order())
	}
	return query
}

// numbersQuery selects the next numbers of the bucket b. What is leased is either in retries, or above the floor and
// neither there nor committed.
func (r *Reader) numbersQuery(q kapivara.DeliveriesQuery) *bun.SelectQuery {
	db := r.pool.Bun()
	from := func(table string) *bun.SelectQuery {
		query := db.NewSelect().ColumnExpr("t.number").TableExpr(table + " as t").Where("t.bucket_no = b.bucket_no")
		if q.After.Number > 0 {
			query.Where("(t.number > ? or b.bucket <> ?)", q.After.Number, int(q.After.Bucket))
		}
		return query
	}
	var numbers *bun.SelectQuery
	switch q.State {
	case "":
		numbers = from("kapivara.deliveries")
	case kapivara.Committed:
		numbers = from("kapivara.commits")
	case kapivara.Leased:
		first := from("kapivara.deliveries").Where("t.number > b.floor").
			Where("not exists (select from kapivara.commits as n where n.bucket_no = t.bucket_no and n.number = t.number)").
			Where("not exists (select from kapivara.retries as n where n.bucket_no = t.bucket_no and n.number = t.number)")
		both := from("kapivara.retries").Where("t.state = 2").UnionAll(first)
		numbers = db.NewSelect().ColumnExpr("t.number").TableExpr("(?) as t", both)
	default:
		numbers = from("kapivara.retries").Where("t.state = ?", readStateNumber(q.State))
	}
	return numbers.OrderExpr("t.number").Limit(int64(q.Limit + 1))
}

func readStateNumber(state kapivara.State) int {
	for i, s := range readStates() {
		if s == state {
			return i
		}
	}
	return -1
}

// waitingQuery selects what is due and was never leased (index outbox_bucket or replays_bucket), behind the query's mark
// where that is of the same table.
func (r *Reader) waitingQuery(subscriber int32, q kapivara.DeliveriesQuery, table string, marked bool) *bun.SelectQuery {
	query := r.pool.Bun().NewSelect().TableExpr(table+" as o").
		Join("join kapivara.streams as s on s.stream_no = o.stream_no").
		Where("o.subscriber_no = ?", subscriber).
		OrderExpr("o.bucket, o.due").Limit(int64(q.Limit + 1))
	if table == "kapivara.outbox" {
		query.ColumnExpr(readGrowthColumns).Join(readGrowthJoin)
	} else {
		query.ColumnExpr(readWaitingColumns)
	}
	if q.Bucket != nil {
		query.Where("o.bucket = ?", int(*q.Bucket))
	}
	if q.After.LogPosition > 0 && marked {
		query.Where("(o.bucket, o.due) > (?, ?)", int(q.After.Bucket), q.After.LogPosition)
	}
	return query
}
