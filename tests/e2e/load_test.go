package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// place is where an event was stored.
type place struct {
	Position    int   `json:"position"`
	LogPosition int64 `json:"log_position"`
}

// ledger is what the writer has answered so far, kept by the client that asked.
type ledger struct {
	log       *arrivalLog
	places    map[string]place            // by event id
	stored    map[string]map[int]*arrival // by stream and position
	final     map[string]int              // the finish position, where known
	completed []string                    // streams in the order in which they became complete
	last      int64                       // the highest log position
}

func newLedger(log *arrivalLog) *ledger {
	return &ledger{log: log, places: map[string]place{}, stored: map[string]map[int]*arrival{}, final: map[string]int{}}
}

// appendReply is the writer's.
type appendReply struct {
	Stream     string `json:"stream"`
	Version    int    `json:"version"`
	Contiguous int    `json:"contiguous"`
	Finish     *int   `json:"finish"`
	Complete   bool   `json:"complete"`
	Events     []struct {
		ID string `json:"id"`
		place
		Stored bool `json:"stored"`
	} `json:"events"`
}

// requestOf is the append of one arrival, written by hand so that data goes out as it stands in the file.
func requestOf(log *arrivalLog, a *arrival) string {
	return fmt.Sprintf(`{"stream":%s,"events":[{"id":%s,"type":%s,"time":%s,"position":%d,"final":%t,"data":%s}]}`,
		encode(log.stream(a)), encode(a.ID), encode(a.Type), encode(a.Time), a.Position, a.Final, a.Data)
}

// send appends one arrival and says what is wrong with the answer.
func (l *ledger) send(c caller, publisher string, a *arrival) error {
	var reply appendReply
	err := c.call("kapivara.v1.append."+publisher, requestOf(l.log, a), &reply)
	stream := l.log.stream(a)
	if a.Expect == "conflict" {
		r := asRefusal(err)
		if r == nil || r.Code != "position_taken" {
			return fmt.Errorf("a conflict got %w, want position_taken", err)
		}
		holder := l.stored[stream][a.Position]
		if r.Facts["stream"] != stream || r.Facts["position"] != float64(a.Position) || holder == nil || r.Facts["stored_id"] != holder.ID {
			return fmt.Errorf("facts of the conflict: got %v", r.Facts)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if len(reply.Events) != 1 || reply.Events[0].ID != a.ID || reply.Stream != stream {
		return fmt.Errorf("got the reply %+v", reply)
	}
	got := reply.Events[0]
	if a.Expect == "duplicate" {
		if got.Stored || got.place != l.places[a.ID] {
			return fmt.Errorf("a repeat got %+v, want stored false and %+v", got, l.places[a.ID])
		}
	} else {
		if !got.Stored || got.Position != a.Position || got.LogPosition != l.last+1 {
			return fmt.Errorf("a new event got %+v, want position %d and log position %d", got, a.Position, l.last+1)
		}
		l.note(stream, a, got.place)
	}
	return l.compare(stream, &reply)
}

func (l *ledger) note(stream string, a *arrival, p place) {
	l.places[a.ID], l.last = p, p.LogPosition
	if l.stored[stream] == nil {
		l.stored[stream] = map[int]*arrival{}
	}
	l.stored[stream][a.Position] = a
	if a.Final {
		l.final[stream] = a.Position
	}
	if l.final[stream] == len(l.stored[stream]) {
		l.completed = append(l.completed, stream)
	}
}

// compare holds the head in a reply against what was stored.
func (l *ledger) compare(stream string, reply *appendReply) error {
	version, contiguous := 0, 0
	for position := range l.stored[stream] {
		version = max(version, position)
	}
	for l.stored[stream][contiguous+1] != nil {
		contiguous++
	}
	finish := 0
	if reply.Finish != nil {
		finish = *reply.Finish
	}
	complete := finish > 0 && finish == contiguous
	if reply.Version != version || reply.Contiguous != contiguous || finish != l.final[stream] || reply.Complete != complete {
		return fmt.Errorf("got the head %+v, want version %d, contiguous %d, finish %d", reply, version, contiguous, l.final[stream])
	}
	return nil
}

// load sends every arrival, one request at a time, and holds the checkpoints of the expectation.
func (l *ledger) load(t *testing.T, c caller, publisher string) {
	t.Helper()
	marks := map[int]checkpoint{}
	for _, m := range l.log.want.Checkpoints {
		marks[m.Arrivals] = m
	}
	for i := range l.log.arrivals {
		if err := l.send(c, publisher, &l.log.arrivals[i]); err != nil {
			t.Fatalf("arrival %d, %s: %v", i+1, l.log.arrivals[i].Expect, err)
		}
		if want, ok := marks[i+1]; ok {
			got := checkpoint{Arrivals: i + 1, Stored: len(l.places), Seen: len(l.stored), Deliverable: len(l.completed)}
			got.Incomplete, got.Open = len(l.final)-len(l.completed), len(l.stored)-len(l.final)
			if got != want {
				t.Errorf("checkpoint: got %+v, want %+v", got, want)
			}
		}
	}
	cases := make([]string, len(l.completed))
	for i, stream := range l.completed {
		cases[i] = strings.TrimPrefix(stream, l.log.prefix+"/")
	}
	sum := sha256.Sum256([]byte(strings.Join(cases, "\n")))
	if got := hex.EncodeToString(sum[:]); got != l.log.want.OrderSha256 || len(cases) != l.log.want.Deliverable {
		t.Errorf("completion order: got %d streams, sha256 %s, want %d, %s", len(cases), got, l.log.want.Deliverable, l.log.want.OrderSha256)
	}
}
