package natsbus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"kapivara/pkg/natsbus"
	"kapivara/pkg/postgres"
	"kapivara/pkg/reader"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// readService is a read service on NATS and PostgreSQL.
type readService struct {
	nc     *nats.Conn
	reader *reader.Reader
	owner  *pgx.Conn
	stored int
}

func newReadService(t *testing.T) *readService {
	t.Helper()
	url := kit.Postgres(t)
	pool, err := postgres.Open(t.Context(), url, postgres.RoleReader, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	owner, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	nc, err := nats.Connect(kit.NATS(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	r := reader.New(postgres.NewReader(pool), reader.Config{}, kit.Logger(t))
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	srv, err := natsbus.Serve(nc, natsbus.Service{
		Name: "kapivara-reader", Version: "0.1.0", Endpoints: natsbus.ReadEndpoints(r, r),
	}, kit.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	sub, err := natsbus.ListenCommitted(nc, func(c wire.Committed) { r.Committed(c.Head) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sub.Unsubscribe()
		r.Stop()
		if err := srv.Drain(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &readService{nc: nc, reader: r, owner: owner}
}

func (s *readService) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := s.owner.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// store appends n events of so many bytes of data to a stream that has none, the last final.
func (s *readService) store(t *testing.T, stream string, n, size int) {
	t.Helper()
	s.exec(t, `insert into kapivara.kinds (type, publisher) values ('thing.done', 'clerk') on conflict do nothing`)
	s.exec(t, `insert into kapivara.streams (stream_no, name, version, contiguous, canary, finish, completed)
		select count(*) + 1, $1::text, $2::int, $2::int, false, $2::int, $3 from kapivara.streams`, stream, n, s.stored+n)
	s.exec(t, `insert into kapivara.events (log_position, stream_no, position, kind_no, flags, id, data)
		select $3 + i, (select stream_no from kapivara.streams where name = $1), i, 1, case when i = $2 then 3 else 2 end,
		       '\x00'::bytea || convert_to($1::text || '#' || i, 'UTF8'), convert_to('"' || repeat('x', $4) || '"', 'UTF8')
		  from generate_series(1, $2) i`, stream, n, s.stored, size)
	s.stored += n
}

// ask sends a request and gives the body of the reply, or of its error.
func (s *readService) ask(t *testing.T, verb, last, request string) string {
	t.Helper()
	m, err := s.nc.Request("kapivara.v1.read."+verb+"."+last, []byte(request), 40*time.Second)
	if err != nil {
		t.Fatalf("%s %s: %v", verb, request, err)
	}
	if size := m.Size() - len(m.Subject) - len(m.Reply); size > 1<<20 {
		t.Errorf("%s %s: a reply of %d bytes", verb, request, size)
	}
	return string(m.Data)
}

func into[T any](t *testing.T, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

type readPage struct {
	Events []struct {
		ID          string
		Position    int
		LogPosition string
	}
	Head, Version int64
	Next          any
	More          bool
}

func TestReadVerbsOfStreams(t *testing.T) {
	t.Parallel()
	s := newReadService(t)
	s.store(t, "shop/web/order/1", 3, 5)
	s.store(t, "bank/core/loan/1", 2, 5)
	for _, c := range []struct{ verb, last, request, says string }{
		{"event", "shop", `{"id": "shop/web/order/1#2"}`, `"stream":"shop/web/order/1","position":2,"final":false,"publisher":"clerk"`},
		{"event", "_", `{"id": "bank/core/loan/1#2"}`, `"final":true`},
		{"event", "shop", `{"id": "bank/core/loan/1#2"}`, `{"error":{"code":"not_found"`},
		{"event", "shop", `{}`, `"path":"id"`},
		{"stream", "shop", `{"stream": "shop/web/order/1"}`, `"version":3,"contiguous":3,"finish":3,"complete":true,"canary":false,"missing":[],"events":[{`},
		{"stream", "shop", `{"stream": "bank/core/loan/1"}`, `kapivara.v1.read.stream.bank`},
		{"stream", "_", `{"stream": "bank/core/loan/1"}`, `"version":2`},
		{"stream", "_", `{"stream": "bank/core/loan/2"}`, `not_found`},
		{"stream", "_", `{"stream": "bank/core/loan/1", "limit": 0}`, `"path":"limit"`},
		{"stream", "_", `{"stream": "bank/core/loan/1", "cursor": "xx"}`, `"path":"cursor"`},
		{"log", "bank", `{"after": 1}`, `"head":5,"next":5,"more":false`},
		{"log", "shop", `{"streams": ["bank/core/*"]}`, `kapivara.v1.read.log.bank`},
		{"log", "_", `{"what": 1}`, `"path":"what"`},
		{"log", "_", ``, `"more":false`},
		{"streams", "_", `{}`, `"stream":"bank/core/loan/1","version":2,`},
		{"streams", "shop", `{"prefix": "bank/"}`, `kapivara.v1.read.streams.bank`},
		{"streams", "shop", `{"state": "open"}`, `{"streams":[],"next":null}`},
		{"explain", "shop", `{"stream": "shop/web/order/1"}`, `"subscribers":[]`},
		{"explain", "shop", `{"stream": "shop/web/order/1", "subscriber": "nobody"}`, `not_found`},
	} {
		if got := s.ask(t, c.verb, c.last, c.request); !strings.Contains(got, c.says) {
			t.Errorf("%s.%s %s: got %s, want it to say %s", c.verb, c.last, c.request, got, c.says)
		}
	}
}

func TestPagesStayUnderTheReplyLimit(t *testing.T) {
	t.Parallel()
	s := newReadService(t)
	s.store(t, "shop/web/order/big", 5, 400_000)
	s.store(t, "shop/web/order/many", 4000, 10)
	for stream, n := range map[string]int{"shop/web/order/big": 5, "shop/web/order/many": 4000} {
		seen := 0
		for cursor, more := "null", true; more; {
			page := into[readPage](t, s.ask(t, "stream", "_", fmt.Sprintf(`{"stream": %q, "limit": 1000, "cursor": %s}`, stream, cursor)))
			for _, e := range page.Events {
				if seen++; e.Position != seen {
					t.Fatalf("%s: position %d comes as number %d", stream, e.Position, seen)
				}
			}
			if more = page.Next != nil; more {
				cursor = fmt.Sprintf("%q", page.Next)
			}
		}
		if seen != n {
			t.Errorf("%s: %d events, want %d", stream, seen, n)
		}
	}
	seen := 0
	for after, more := 0, true; more; {
		page := into[readPage](t, s.ask(t, "log", "_", fmt.Sprintf(`{"after": %d, "limit": 10000}`, after)))
		for _, e := range page.Events {
			if seen++; e.LogPosition != fmt.Sprint(seen) {
				t.Fatalf("log position %s comes as number %d", e.LogPosition, seen)
			}
		}
		after, more = int(page.Next.(float64)), page.More
	}
	if seen != 4005 {
		t.Errorf("the log gave %d events, want 4005", seen)
	}
}

func TestAFollowerWaitsOnTheWire(t *testing.T) {
	t.Parallel()
	s := newReadService(t)
	const followers = 50
	inbox := s.nc.NewInbox()
	sub, err := s.nc.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	for range followers {
		if err := s.nc.PublishRequest("kapivara.v1.read.log.shop", inbox, []byte(`{"wait": "20s"}`)); err != nil {
			t.Fatal(err)
		}
	}
	// Waiting followers hold no connection: the pool of two serves others.
	if got := s.ask(t, "log", "_", `{}`); !strings.Contains(got, `"head":0`) {
		t.Errorf("got %s", got)
	}
	s.store(t, "bank/core/loan/1", 1, 1)
	s.store(t, "shop/web/order/1", 2, 1)
	if err := s.nc.Publish(wire.InternalCommitted, []byte(`{"head":3,"due":false,"registry":false}`)); err != nil {
		t.Fatal(err)
	}
	for range followers {
		m, err := sub.NextMsg(15 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		page := into[readPage](t, string(m.Data))
		if len(page.Events) != 2 || page.Events[0].LogPosition != "2" || page.Next != 3.0 {
			t.Fatalf("a follower got %s", m.Data)
		}
	}
	if got := s.ask(t, "log", "shop", `{"after": 3, "wait": "50ms"}`); got != `{"events":[],"head":3,"next":3,"more":false}` {
		t.Errorf("after its wait a follower got %s", got)
	}
}

func TestReadVerbsOfSubscribers(t *testing.T) {
	t.Parallel()
	s := newReadService(t)
	s.store(t, "shop/web/order/1", 3, 5)
	s.store(t, "shop/web/order/2", 3, 300_000)
	s.store(t, "shop/web/order/3", 3, 5)
	s.store(t, "shop/web/order/4", 4, 300_000)
	s.exec(t, `insert into kapivara.subscribers
		(name, description, system, types, streams, buckets, canary_buckets, deliver, ack_wait_ms, max_attempts, backoff_ms, max_in_flight, log_position)
		values ('billing', '', '', '{*}', '{*}', 2, 1, 'complete', 30000, 10, '{1000}', 1, 0)`)
	s.exec(t, `insert into kapivara.buckets (bucket, subscriber, sent, committed_number) values (0, 'billing', 3, 1), (1, 'billing', 1, 1)`)
	s.exec(t, `insert into kapivara.deliveries (number, stream_no, due, bucket_no, subscriber_no, from_position, to_position, ack_wait_ms, buckets, cause)
		values (1, 1, 3, 1, 1, 1, 3, 30000, 2, 1), (2, 2, 6, 1, 1, 1, 3, 30000, 2, 1), (3, 3, 9, 1, 1, 1, 3, 30000, 2, 1), (1, 4, 13, 2, 1, 1, 4, 30000, 2, 1)`)
	s.exec(t, `insert into kapivara.commits (number, bucket_no, attempt) values (1, 1, 1), (1, 2, 2)`)
	for _, c := range []struct{ verb, last, request, says string }{
		{"bucket", "billing", `{"bucket": "0"}`, `{"deliveries":[{"bucket":"0","number":1,"stream":"shop/web/order/1","cause":"complete","from":1,"to":3,"state":"committed","attempt":1,"due":3,"deadline":null,"until":null,"reason":null,"node":null,"committed":"`},
		{"bucket", "billing", `{"bucket": "0", "limit": 1, "state": "leased"}`, `"number":2`},
		{"bucket", "billing", `{"bucket": "canary-0"}`, `{"deliveries":[],"next":null}`},
		{"bucket", "billing", `{"bucket": "2"}`, `not_found`},
		{"bucket", "billing", `{"bucket": "03"}`, `"path":"bucket"`},
		{"bucket", "billing", `{}`, `"path":"bucket"`},
		{"bucket", "billing", `{"bucket": "0", "state": "lost"}`, `"path":"state"`},
		{"bucket", "nobody", `{"bucket": "0"}`, `not_found`},
		{"last-committed", "billing", `{"bucket": "0"}`, `"number":1,"attempt":1,"cause":"complete","stream":"shop/web/order/1","version":3,"finish":3,"complete":true,"from":1,"to":3`},
		{"last-committed", "billing", `{"bucket": "0"}`, `"committed":"`},
		{"last-committed", "billing", `{"bucket": "1"}`, `"events":null,"read":{"subject":"kapivara.v1.read.delivery.billing","request":{"bucket":"1","number":1}}`},
		{"last-committed", "billing", `{"bucket": "canary-0"}`, `not_found`},
		{"delivery", "billing", `{"bucket": "0", "number": 1}`, `"position":3,`},
		{"delivery", "billing", `{"bucket": "0", "number": 1, "limit": 1, "from": 2}`, `{"events":[{"specversion":"1.0","id":"shop/web/order/1#2"`},
		{"delivery", "billing", `{"bucket": "0", "number": 4}`, `not_found`},
		{"delivery", "billing", `{"bucket": "0"}`, `"path":"number"`},
		{"subscriber", "billing", `{"limit": 1}`, `"buckets":[{"bucket":"0","pending":0,"leased":2,"hidden":0,"parked":0,"committed":1,"discarded":0,"lag":2,"lag_seconds":`},
		{"subscriber", "billing", `{"limit": 1}`, `"listening":null,"last_answer":null,"nobody_answers":null,"extra_answers":0,"moving":null`},
		{"subscriber", "billing", `{"state": "parked"}`, `"deliveries":[],"next":null}`},
		{"subscriber", "nobody", `{}`, `not_found`},
		{"explain", "_", `{"stream": "shop/web/order/3"}`, `"subscribers":[{"subscriber":"billing","state":"leased","reason":"no_dispatcher"`},
	} {
		if got := s.ask(t, c.verb, c.last, c.request); !strings.Contains(got, c.says) {
			t.Errorf("%s.%s %s: got %s, want it to say %s", c.verb, c.last, c.request, got[:min(len(got), 2000)], c.says)
		}
	}
}

func TestADeliveryIsReadInPages(t *testing.T) {
	t.Parallel()
	s := newReadService(t)
	s.store(t, "shop/web/order/1", 4, 400_000)
	s.exec(t, `insert into kapivara.subscribers
		(name, description, system, types, streams, buckets, canary_buckets, deliver, ack_wait_ms, max_attempts, backoff_ms, max_in_flight, log_position)
		values ('billing', '', '', '{*}', '{*}', 2, 1, 'complete', 30000, 10, '{1000}', 1, 0)`)
	s.exec(t, `insert into kapivara.buckets (bucket, subscriber, sent) values (0, 'billing', 1)`)
	s.exec(t, `insert into kapivara.deliveries (number, stream_no, due, bucket_no, subscriber_no, from_position, to_position, ack_wait_ms, buckets, cause)
		values (1, 1, 4, 1, 1, 1, 3, 30000, 2, 2)`)
	var positions []int
	for cursor, more := "null", true; more; {
		page := into[readPage](t, s.ask(t, "delivery", "billing", fmt.Sprintf(`{"bucket": "0", "number": 1, "cursor": %s}`, cursor)))
		for _, e := range page.Events {
			positions = append(positions, e.Position)
		}
		if more = page.Next != nil; more {
			cursor = fmt.Sprintf("%q", page.Next)
		}
	}
	if fmt.Sprint(positions) != "[1 2 3]" {
		t.Errorf("got %v, want exactly the delivery's positions 1 to 3", positions)
	}
}
