package stores

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// Filler writes rows as the writer does, as the owner, with times of recording as they are given, and by statements of
// its own: what a reader says of them does not rest on the writer's code.
type Filler struct {
	Owner *pgx.Conn
	Heads map[kapivara.Stream]*kapivara.Head
	Log   int64 // the log's head
}

// NewFiller fills an empty store. It ends with the test.
func NewFiller(t testing.TB, url string) *Filler {
	t.Helper()
	owner, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	return &Filler{Owner: owner, Heads: map[kapivara.Stream]*kapivara.Head{}}
}

// Exec runs a statement.
func (f *Filler) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := f.Owner.Exec(context.Background(), sql, args...); err != nil {
		t.Errorf("fill: %v", err) // it also runs beside the test
	}
}

// Fill stores events. The streams' rows are written when a stream is new, finished or completed, and are a lower bound
// meanwhile.
func (f *Filler) Fill(t testing.TB, events ...kapivara.Event) {
	t.Helper()
	for i := range events {
		f.store(t, &events[i])
	}
}

func (f *Filler) store(t testing.TB, e *kapivara.Event) {
	t.Helper()
	f.Log++
	head := f.Heads[e.Stream]
	fresh := head == nil
	if fresh {
		head = &kapivara.Head{No: int64(len(f.Heads) + 1), Stream: e.Stream}
		f.Heads[e.Stream] = head
	}
	head.Add(e.Position, e.Final)
	switch {
	case fresh:
		f.Exec(t, `insert into kapivara.streams (stream_no, name, version, contiguous, canary) values ($1, $2, $3, $4, false)`,
			head.No, string(e.Stream), head.Version, head.Contiguous)
		fallthrough
	case e.Final || head.Complete():
		f.Exec(t, `update kapivara.streams set version = $2, contiguous = $3, finish = nullif($4, 0),
			completed = case when $5 then $6::bigint end where stream_no = $1`,
			head.No, head.Version, head.Contiguous, head.Finish, head.Complete(), f.Log)
	}
	f.Exec(t, `insert into kapivara.kinds (type, publisher) values ($1, $2) on conflict do nothing`, e.Type, e.Publisher)
	f.event(t, e, head.No)
}

func (f *Filler) event(t testing.TB, e *kapivara.Event, stream int64) {
	t.Helper()
	flags := map[kapivara.DataKind]int{kapivara.JSONData: 2, kapivara.BinaryData: 4}[e.Kind]
	if e.Final {
		flags |= 1
	}
	source := &e.Source
	if e.Source == kapivara.DefaultSource(e.Stream, e.Publisher) {
		source = nil
	}
	recorded := e.Recorded
	if recorded.IsZero() {
		recorded = time.Now()
	}
	f.Exec(t, `insert into kapivara.events
		(log_position, stream_no, recorded, position, kind_no, flags, id, occurred, source, attributes, data)
		select $1, $2, $3, $4, kind_no, $5, $6, nullif($7, ''), $8::text, nullif($9, ''), $10::bytea
		  from kapivara.kinds where type = $11 and publisher = $12`,
		f.Log, stream, recorded, e.Position, flags, key(e.ID), e.Time, source, string(e.Attributes), e.Data,
		e.Type, e.Publisher)
}

// key is an id as the schema keeps it: a UUID in its 16 bytes, any other behind a 0, and never in 16.
func key(id kapivara.EventID) []byte {
	if raw, err := hex.DecodeString(strings.ReplaceAll(string(id), "-", "")); err == nil && id.IsUUID() {
		return raw
	}
	raw := append([]byte{0}, id...)
	if len(raw) == 16 {
		raw = append(raw, 0)
	}
	return raw
}
