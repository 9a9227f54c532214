package porttest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

// AppendStore is a store to which writers append.
type AppendStore struct {
	// Connect gives a way to the store for one more writer.
	Connect func(t testing.TB) (writer.Log, writer.Lookup)
	// Writer makes a writer under test that is not started. Nil makes one in this process, over Connect.
	Writer func(t testing.TB) Writer
	// Registry is the store's registry.
	Registry writer.RegistryStore
	// Records are the registry as it is changed. Nil changes it in this process, over Registry.
	Records *Records
	// Events reads the whole log in its order, without a writer or a reader.
	Events func(t testing.TB) []kapivara.Event
	// Due reads what has become due, by log position and then by subscriber.
	Due func(t testing.TB) []kapivara.Due
}

// Writer takes appends: the use case in this process, or the service that is asked from afar. What is begun before the
// start comes in its order after it.
type Writer interface {
	Append(publisher string, a *kapivara.Append, done func(*kapivara.AppendResult, error))
	AppendMany(publisher string, m *kapivara.AppendMany, done func(*kapivara.AppendManyResult, error))
	Start(ctx context.Context) error
	Stop()
}

// Append holds a writer over a store to protocol sections 3 and 4. open makes an empty store whose registry is open or
// strict.
func Append(t *testing.T, open func(t testing.TB, open bool) AppendStore) {
	for name, test := range map[string]func(*testing.T, appendTest){
		"positions, versions and the reply":                          appendPlaces,
		"an event is kept as it was sent":                            appendKeeps,
		"a repeat stores nothing and gets the places of the first":   appendRepeats,
		"a repeat is known by id, stream, type, position and data":   appendReused,
		"a repeat is answered after a restart":                       appendRestart,
		"repeats and new events share a request":                     appendMixed,
		"each refusal has its facts and stores nothing":              appendRefusals,
		"refusals come in the order of judgement":                    appendOrder,
		"the first event in request order is named":                  appendFirstNamed,
		"a foreign stream is not named":                              appendForeign,
		"finish positions":                                           appendFinish,
		"a schema is judged last":                                    appendSchema,
		"appends in one batch are decided one by one":                appendGroup,
		"a refusal rests on what is stored":                          appendOnStored,
		"an append decided on a refused one is decided again":        appendOnRefused,
		"of appends that race for one position one is ok":            appendRacePosition,
		"of appends that race for one id one is ok":                  appendRaceID,
		"repeats that race are stored once":                          appendRaceRepeats,
		"of a finish and a higher position that race one is ok":      appendRaceFinish,
		"of appends that race on one version one is ok":              appendRaceVersion,
		"two writers in turn see what the other has stored":          appendTurns,
		"two writers at once leave one log without gaps":             appendTwoWriters,
		"a completed stream is due where it fits":                    appendDue,
		"a type that came before the subscriber counts":              appendDueEarlier,
		"canary streams take canary buckets":                         appendDueCanary,
		"what is refused or repeated is not due again":               appendDueOnce,
		"each growth is due to whom its contiguous part fits":        appendDueGrowths,
		"a growth is judged by the mode of its log position":         appendDueModes,
		"an open registry learns by accepted appends alone":          appendOpen,
		"an event type belongs to its first publisher":               appendOwner,
		"a change of the registry holds for the next append":         appendFollowsRegistry,
		"many events, in order and shuffled, make one whole stream":  appendMany,
		"a batch of many streams is written whole":                   appendManyStreams,
		"stored heads are found again where no writer remembers any": appendCold,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newAppendTest(open(t, true)))
		})
	}
	t.Run("a strict registry refuses what it does not know", func(t *testing.T) {
		t.Parallel()
		appendStrict(t, newAppendTest(open(t, false)))
	})
}

// appendTest is a store under test.
type appendTest struct {
	AppendStore
	registry *Records
}

func newAppendTest(store AppendStore) appendTest {
	if store.Records != nil {
		return appendTest{store, store.Records}
	}
	return appendTest{store, recordsOf(writer.NewRegistry(store.Registry, func([]byte) error { return nil }, nil))}
}

// appendWriter is a writer under test. It stops with the test.
type appendWriter struct {
	Writer
	publisher string
}

// idle makes a writer that is not started: what is appended waits, and makes up one batch after the start.
func (a appendTest) idle(t *testing.T) *appendWriter {
	t.Helper()
	if a.Writer != nil {
		w := a.Writer(t)
		t.Cleanup(w.Stop)
		return &appendWriter{w, "loans"}
	}
	log, lookup := a.Connect(t)
	w := writer.New(log, lookup, appendSchemas, func(writer.Notice) {}, writer.Config{}, slog.New(slog.DiscardHandler))
	t.Cleanup(w.Stop)
	return &appendWriter{w, "loans"}
}

func (a appendTest) writer(t *testing.T) *appendWriter {
	t.Helper()
	w := a.idle(t)
	w.start(t)
	return w
}

func (w *appendWriter) start(t *testing.T) {
	t.Helper()
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// appendSchemaText is a JSON Schema that appendBad does not fit and the data of appendEvent does.
const (
	appendSchemaText = `{"properties":{"amount":{"type":"number"}}}`
	appendBad        = `{"amount":"bad"}`
)

// appendSchemas stands for JSON Schema, for a writer in this process: it knows no schema but that one.
func appendSchemas(_ *kapivara.EventType, _ kapivara.DataKind, data []byte) error {
	if string(data) != appendBad {
		return nil
	}
	return &kapivara.Error{Code: kapivara.SchemaViolation, Message: "bad", Facts: kapivara.Facts{Path: "data.amount"}}
}

// appendAnswer is what an append was answered.
type appendAnswer struct {
	*kapivara.AppendResult
	err error
}

// begin sends an append and gives the channel of its answer.
func (w *appendWriter) begin(a *kapivara.Append) <-chan appendAnswer {
	answer := make(chan appendAnswer, 1)
	w.Append(w.publisher, a, func(r *kapivara.AppendResult, err error) { answer <- appendAnswer{r, err} })
	return answer
}

// send sends an append and waits for its answer.
func (w *appendWriter) send(t *testing.T, a *kapivara.Append) appendAnswer {
	t.Helper()
	if err := a.Check(); err != nil {
		t.Fatalf("the test's own append is wrong: %v", err)
	}
	return <-w.begin(a)
}

// ok sends an append that must be accepted.
func (w *appendWriter) ok(t *testing.T, a *kapivara.Append) *kapivara.AppendResult {
	t.Helper()
	answer := w.send(t, a)
	if answer.err != nil {
		t.Fatalf("append to %s: %v", a.Stream, answer.err)
	}
	return answer.AppendResult
}

// refused sends an append that must be refused with exactly these facts.
func (w *appendWriter) refused(t *testing.T, a *kapivara.Append, code kapivara.Code, facts kapivara.Facts) {
	t.Helper()
	answer := w.send(t, a)
	appendWantRefusal(t, answer.err, code, facts)
}

func appendWantRefusal(t *testing.T, err error, code kapivara.Code, facts kapivara.Facts) {
	t.Helper()
	wantCode(t, err, code)
	if refusal, ok := err.(*kapivara.Error); ok { //nolint:errorlint // a refusal is handed on as it is
		if got, want := appendJSON(t, refusal.Facts), appendJSON(t, facts); got != want {
			t.Errorf("%s with the facts %s, want %s", code, got, want)
		}
		if refusal.Message == "" {
			t.Errorf("%s without a message", code)
		}
	}
}

func appendJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// appendEvent is an event with data that names its id.
func appendEvent(id string) kapivara.NewEvent {
	return kapivara.NewEvent{
		ID: kapivara.EventID(id), Type: "opened", Kind: kapivara.JSONData, Data: fmt.Appendf(nil, `{"of":%q}`, id),
	}
}

// appendAt is an event at a position.
func appendAt(position int, id string) kapivara.NewEvent {
	e := appendEvent(id)
	e.Position = position
	return e
}

// appendFinal is the event that finishes the stream at a position, 0 for the next one.
func appendFinal(position int, id string) kapivara.NewEvent {
	e := appendAt(position, id)
	e.Final = true
	return e
}

func appendTo(stream string, events ...kapivara.NewEvent) *kapivara.Append {
	return &kapivara.Append{Stream: kapivara.Stream("lending/loans/application/" + stream), Events: events}
}

func appendExpect(e kapivara.Expect, a *kapivara.Append) *kapivara.Append {
	a.Expect = e
	return a
}

func appendStream(stream string) string { return "lending/loans/application/" + stream }

// wantLog reads the log and holds it to I-08 and I-06: log positions 1 to n, ids and places unique.
func (a appendTest) wantLog(t *testing.T, events int) []kapivara.Event {
	t.Helper()
	log := a.Events(t)
	if len(log) != events {
		t.Errorf("the log holds %d events, want %d", len(log), events)
	}
	ids, places := map[kapivara.EventID]bool{}, map[string]bool{}
	for i, e := range log {
		place := fmt.Sprint(e.Stream, e.Position)
		if e.LogPosition != int64(i)+1 || ids[e.ID] || places[place] {
			t.Fatalf("entry %d of the log: log position %d, id %s, %s at %d", i, e.LogPosition, e.ID, e.Stream, e.Position)
		}
		ids[e.ID], places[place] = true, true
	}
	return log
}
