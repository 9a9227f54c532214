package e2e_test

import (
	"fmt"
	"testing"

	"kapivara/pkg/client"
	"kapivara/tests/kit"
)

// resizing is a subscriber whose buckets change while nodes of the SDK work and others come and go.
type resizing struct {
	t       *testing.T
	url     string
	c       caller
	book    *resizeBook
	options []client.SubscribeOption
}

// join has a node of the SDK work for the subscriber.
func (r *resizing) join() *client.Subscription {
	r.t.Helper()
	c, err := client.Connect(r.url)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Close)
	told := client.WithErrorHandler(func(err error) { r.t.Errorf("%s: %v", r.book.name, err) })
	s, err := c.Subscribe(r.book.name, r.book.handle, append(r.options, told)...)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// works waits until so much more was committed over these buckets.
func (r *resizing) works(buckets, more int) {
	r.t.Helper()
	want := r.book.handled(buckets) + more
	kit.Eventually(r.t, 2*patience, func() error {
		if n := r.book.handled(buckets); n < want {
			return fmt.Errorf("%s: %d are committed over %d buckets, want %d", r.book.name, n, buckets, want)
		}
		return nil
	})
}

// resizeState is what read.subscriber tells of the buckets.
type resizeState struct {
	Moving  *struct{ Placed, Until int64 }
	Buckets []struct {
		Bucket                          string
		Pending, Leased, Hidden, Parked int
	}
}

func (r *resizing) state() (s resizeState) {
	r.t.Helper()
	r.c.ask("kapivara.v1.read.subscriber."+r.book.name, `{"limit": 1}`, &s)
	return s
}

// unsettled tells of each bucket in which anything is: its leased ones and, where there are any, what else is there.
func (s resizeState) unsettled() (list []string) {
	for _, b := range s.Buckets {
		if rest := b.Pending + b.Hidden + b.Parked; b.Leased+rest > 0 {
			list = append(list, fmt.Sprintf("%s: %d leased, %d more", b.Bucket, b.Leased, rest))
		}
	}
	return list
}

// isResized holds what is in the store when all is committed against the rules of numbers and of log order.
func isResized(t *testing.T, count func(string) int64, streams int) {
	t.Helper()
	const of = ` from kapivara.deliveries d join kapivara.subscribers s using (subscriber_no) `
	for sql, want := range map[string]int64{
		`select count(*) from kapivara.outbox`:                                                                                         0,
		`select count(*) from kapivara.retries`:                                                                                        0,
		`select count(*)` + of + `where s.name = 'whole'`:                                                                              int64(streams),
		`select count(distinct d.stream_no)` + of + `where s.name = 'whole'`:                                                           int64(streams),
		`select sum(d.to_position - d.from_position + 1)` + of + `where s.name = 'fold'`:                                               int64(streams) * resizeEvents,
		`select (select count(*) from kapivara.deliveries) - (select count(*) from kapivara.commits)`:                                  0,
		`select coalesce(sum(m - n), 0)::bigint from (select max(number) m, count(*) n from kapivara.deliveries group by bucket_no) x`: 0,
		// Among what was placed by one layout, the numbers of a bucket follow the log.
		`select count(*) from (select d.due, lag(d.due) over (partition by bucket_no, d.buckets order by number) as before` + of +
			`where s.name = 'whole') x where due < before`: 0,
	} {
		if got := count(sql); got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}
}
