package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"
)

// acked is what the writer has promised of one event.
type acked struct {
	place
	stream string
	data   [sha256.Size]byte
}

// importer appends events of a real log with many requests in flight, asks again until each is answered, and keeps a
// ledger of every promise: the first answer holds for ever.
type importer struct {
	caller
	log     realLog
	workers sync.WaitGroup

	mu     sync.Mutex
	ledger map[string]acked    // by event id
	events map[string]*arrival // by id, those of the ledger
	faults []error
}

const importWorkers = 32

// startImporter sends the streams for which mine is true.
func startImporter(t *testing.T, c caller, log realLog, mine func(stream string) bool) *importer {
	t.Helper()
	im := &importer{caller: c, log: log, ledger: map[string]acked{}, events: map[string]*arrival{}}
	lanes := make([][][]arrival, importWorkers)
	var group []arrival
	flush := func() {
		if len(group) > 0 && mine(group[0].Stream) {
			lane := xxh64([]byte(group[0].Stream)) >> 8 % importWorkers
			lanes[lane] = append(lanes[lane], group)
		}
		group = nil
	}
	eachLine(t, log.file, func(line []byte) {
		var a arrival
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		if len(group) > 0 && (group[0].Stream != a.Stream || len(group) == 20) {
			flush()
		}
		group = append(group, a)
	})
	flush()
	for _, lane := range lanes {
		im.workers.Add(1)
		go func() {
			defer im.workers.Done()
			for _, group := range lane {
				if err := im.untilAnswered(group); err != nil {
					im.fault(err)
					return
				}
			}
		}()
	}
	return im
}

func (im *importer) fault(err error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.faults = append(im.faults, err)
}

// untilAnswered sends a request until it is ok. What is refused for good is a fault.
func (im *importer) untilAnswered(group []arrival) error {
	request := im.request(group)
	for deadline := time.Now().Add(4 * patience); ; {
		var reply appendReply
		err := im.call("kapivara.v1.append."+im.log.publisher, request, &reply)
		if err == nil {
			return im.note(group, &reply)
		}
		if r := asRefusal(err); r != nil && !passing(r.Code) || time.Now().After(deadline) || im.IsClosed() {
			return fmt.Errorf("append to %s: %w", group[0].Stream, err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func (im *importer) request(group []arrival) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"stream":%s,"events":[`, encode(im.log.prefix+"/"+group[0].Stream))
	for i := range group {
		a := &group[i]
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%s,"type":%s,"time":%s,"position":%d,"final":%t,"data":%s}`,
			encode(a.ID), encode(a.Type), encode(a.Time), a.Position, a.Final, a.Data)
	}
	b.WriteString("]}")
	return b.String()
}

// note keeps what an answer promises, and compares it with what an earlier one promised.
func (im *importer) note(group []arrival, reply *appendReply) error {
	if len(reply.Events) != len(group) {
		return fmt.Errorf("%s: %d events answered, want %d", group[0].Stream, len(reply.Events), len(group))
	}
	im.mu.Lock()
	defer im.mu.Unlock()
	for i, e := range reply.Events {
		a := &group[i]
		now := acked{e.place, im.log.prefix + "/" + a.Stream, sha256.Sum256(a.Data)}
		before, known := im.ledger[a.ID]
		switch {
		case e.ID != a.ID || e.Position != a.Position || e.LogPosition < 1:
			return fmt.Errorf("%s position %d: answered with %+v", a.Stream, a.Position, e)
		case known && (before != now || e.Stored):
			return fmt.Errorf("%s position %d: answered with %+v after %+v", a.Stream, a.Position, e, before)
		}
		im.ledger[a.ID], im.events[a.ID] = now, a
	}
	return nil
}

// acknowledged counts the promises so far.
func (im *importer) acknowledged() int {
	im.mu.Lock()
	defer im.mu.Unlock()
	return len(im.ledger)
}

// askAgain sends some acknowledged events again, each alone: the answers have to be the first ones.
func (im *importer) askAgain(t *testing.T, most int) {
	t.Helper()
	var some []arrival
	im.mu.Lock()
	for _, a := range im.events { // in Go's random order
		if some = append(some, *a); len(some) >= most {
			break
		}
	}
	im.mu.Unlock()
	for i := range some {
		if err := im.untilAnswered(some[i : i+1]); err != nil {
			t.Errorf("sent again: %v", err)
		}
	}
}

// checkPromises reads the whole log and looks for every event of the ledger.
func (im *importer) checkPromises(t *testing.T, reader caller, want int) {
	t.Helper()
	found, read := 0, int64(0)
	for more := true; more; {
		var page struct {
			Events []cloudEvent
			More   bool
		}
		reader.ask("kapivara.v1.read.log._", fmt.Sprintf(`{"after": %d, "limit": 10000}`, read), &page)
		for i := range page.Events {
			e := &page.Events[i]
			read++
			if e.LogPosition != fmt.Sprint(read) {
				t.Fatalf("log position %d: got %s", read, e.LogPosition)
			}
			if im.kept(e, read) {
				found++
			}
		}
		more = page.More
	}
	if read != int64(want) || found != len(im.ledger) {
		t.Errorf("the log holds %d events, %d of them as they were acknowledged; want %d, %d", read, found, want, len(im.ledger))
	}
}

// kept tells whether the event stands where the ledger says.
func (im *importer) kept(e *cloudEvent, at int64) bool {
	im.mu.Lock()
	defer im.mu.Unlock()
	want, ok := im.ledger[e.ID]
	return ok && want == acked{place{e.Position, at}, e.Stream, sha256.Sum256(e.Data)}
}
