package postgres_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
)

// BenchmarkExplain measures what an explanation rests on where much waits, and of long streams. KAPIVARA_BACKLOG is how
// many deliveries wait in the one bucket, 20000 by default; KAPIVARA_STREAM how long the long streams are:
//
//	KAPIVARA_BACKLOG=1000000 KAPIVARA_STREAM=100000 go test ./pkg/postgres -run '^$' -bench Explain -benchtime 1x -timeout 30m
//
// The statements are planned once while the store is empty, and once when it is full: both plans stay, and are measured.
func BenchmarkExplain(b *testing.B) {
	waiting, length := sizeOf(b, "KAPIVARA_BACKLOG", 20_000), sizeOf(b, "KAPIVARA_STREAM", 5_000)
	f := newDispatchFixture(b)
	early := explainPool(b, f)
	ask := func(store *postgres.Reader, s kapivara.Stream) time.Duration {
		begun := time.Now()
		if _, err := store.Facts(b.Context(), s, ""); err != nil {
			b.Fatal(err)
		}
		return time.Since(begun)
	}
	f.fillExplained(waiting, length)
	if os.Getenv("KAPIVARA_VACUUM") != "" {
		f.exec("vacuum analyze")
	}
	late := explainPool(b, f)
	for _, c := range []struct{ name, stream string }{
		{"the first of the bucket", "a/b/c/1"},
		{"the middle of the bucket", "a/b/c/" + strconv.Itoa(waiting/2)},
		{"the last of the bucket", "a/b/c/" + strconv.Itoa(waiting)},
		{"a long stream that waits", "a/b/c/long"},
		{"a long stream with a hole at every other position", "a/b/c/holes"},
		{"a long stream of which each growth waits", "a/b/c/growths"},
		{"a long stream of which each growth was committed", "a/b/c/grown"},
		{"a long stream that is sent again", "a/b/c/again"},
		{"a long stream, and a filter that fits none of its types", "a/b/c/holes"},
	} {
		if strings.Contains(c.name, "filter") {
			choosy := kapivara.NewSubscriber("choosy")
			choosy.Types = kapivara.Filter{"nothing.*"}
			f.Subscribe(choosy)
		}
		for name, store := range map[string]*postgres.Reader{"planned early": early, "planned late": late} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				ask(store, kapivara.Stream(c.stream))
				var took []time.Duration
				for range 15 * b.N {
					took = append(took, ask(store, kapivara.Stream(c.stream)))
				}
				slices.Sort(took)
				b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func sizeOf(b *testing.B, setting string, size int) int {
	b.Helper()
	if text := os.Getenv(setting); text != "" {
		var err error
		if size, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	return size
}

// explainPool is a reader of one connection, whose plans are made now.
func explainPool(b *testing.B, f *dispatchFixture) *postgres.Reader {
	b.Helper()
	pool, err := postgres.Open(b.Context(), f.url, postgres.RoleReader, 1)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	store := postgres.NewReader(pool)
	if _, err := store.Facts(b.Context(), "a/b/c/0", ""); err == nil {
		return store
	}
	f.exec(`insert into kapivara.kinds (type, publisher) values ('done', 'clerk') on conflict do nothing`)
	f.exec(`insert into kapivara.streams (stream_no, version, contiguous, canary, name) values (0, 1, 1, false, 'a/b/c/0')`)
	f.exec(`insert into kapivara.events (log_position, stream_no, position, kind_no, flags, id) values (1, 0, 1, 1, 2, '\x00')`)
	if _, err := store.Facts(b.Context(), "a/b/c/0", ""); err != nil {
		b.Fatal(err)
	}
	return store
}

// fillExplained makes a subscriber with one bucket, in which so many streams wait, and the long streams.
func (f *dispatchFixture) fillExplained(waiting, length int) {
	f.t.Helper()
	s := kapivara.NewSubscriber("billing")
	s.Buckets, s.Deliver = 1, kapivara.DeliverAppended
	no := f.Subscribe(s)
	f.exec(`update kapivara.subscribers set grown = true`)
	for range 99 { // that were never appended, and all of which want to know
		other := kapivara.NewSubscriber("other" + strconv.Itoa(len(f.subscribers)))
		f.Subscribe(other)
	}
	f.exec(`insert into kapivara.streams (stream_no, completed, version, contiguous, finish, canary, name)
		select n, n + 1, 1, 1, 1, false, 'a/b/c/' || n from generate_series(1, $1::bigint) n`, waiting)
	f.exec(`insert into kapivara.events (log_position, stream_no, position, kind_no, flags, id, data)
		select n + 1, n, 1, 1, 3, decode(md5(n::text), 'hex'), '{"n": 1}' from generate_series(1, $1::bigint) n`, waiting)
	f.exec(`insert into kapivara.outbox (due, stream_no, subscriber_no, bucket)
		select n + 1, n, $2, 0 from generate_series(1, $1::bigint) n`, waiting, no)
	f.exec(`insert into kapivara.buckets (bucket, subscriber, sent, floor) values (0, 'billing', $1::bigint, $1::bigint)`, length)
	head := int64(waiting) + 1
	for i, name := range []string{"long", "holes", "growths", "grown", "again"} {
		stream, step := int64(waiting+1+i), 1
		if name == "holes" {
			step = 2
		}
		f.exec(`insert into kapivara.events (log_position, stream_no, position, kind_no, flags, id, data)
			select $1::bigint + n, $2::bigint, n * $4::integer, 1, case when n = $3 and $4 = 1 then 3 else 2 end,
			       decode(md5($2::bigint || '-' || n), 'hex'), '{"n": 1}'
			  from generate_series(1, $3::integer) n`, head, stream, length, step)
		f.exec(`insert into kapivara.streams (stream_no, completed, version, contiguous, finish, canary, name)
			select $1, case when $4 = 1 then $2::bigint end, $3::integer * $4, case when $4 = 1 then $3 else 0 end,
			       case when $4 = 1 then $3 end, false, 'a/b/c/' || $5`, stream, head+int64(length), length, step, name)
		switch name {
		case "long":
			f.exec(`insert into kapivara.outbox (due, stream_no, subscriber_no, bucket) values ($1, $2, $3, 0)`, head+int64(length), stream, no)
		case "growths":
			f.exec(`insert into kapivara.outbox (due, stream_no, subscriber_no, bucket, cause, grown)
				select $1::bigint + n, $2, $3, 0, 2, n from generate_series(1, $4::integer) n`, head, stream, no, length)
		case "grown":
			f.exec(`insert into kapivara.deliveries (number, stream_no, due, bucket_no, subscriber_no, from_position, to_position, ack_wait_ms, buckets, cause)
				select n, $2::bigint, $1::bigint + n, b.bucket_no, $3::integer, n, n, 30000, 1, 2
				  from kapivara.buckets b, generate_series(1, $4::integer) n`, head, stream, no, length)
			f.exec(`insert into kapivara.commits (number, bucket_no, attempt) select number, bucket_no, 1 from kapivara.deliveries`)
		case "again":
			f.exec(`insert into kapivara.replays (due, stream_no, subscriber_no, bucket) values ($1, $2, $3, 0)`, head+int64(length), stream, no)
		}
		head += int64(length)
	}
	f.exec(`update kapivara.log set streams = $1`, waiting+10)
}
