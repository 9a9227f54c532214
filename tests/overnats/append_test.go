package overnats_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/app"
	"kapivara/pkg/client"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/porttest"
	"kapivara/pkg/writer"
	"kapivara/tests/kit"
	"kapivara/tests/stores"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	porttest.Append(t, appendStore)
}

func TestAppendMany(t *testing.T) {
	t.Parallel()
	porttest.AppendMany(t, appendStore)
}

// appendStore is a store whose writers are services that are asked by the SDK.
func appendStore(t testing.TB, open bool) porttest.AppendStore {
	url := kit.Postgres(t)
	store := stores.PostgresAt(t, url, open)
	store.Connect = func(testing.TB) (writer.Log, writer.Lookup) {
		t.Fatal("over NATS nobody connects to the store")
		return nil, nil
	}
	store.Writer = func(t testing.TB) porttest.Writer {
		config := settings(kit.NATS(t), url)
		config.OpenRegistry = open
		return &remoteWriter{t: t, config: config}
	}
	store.Records = remoteRecords(t, url, open, store.Registry)
	bySQL, byNATS := store.Events, remoteLog(t, url)
	store.Events = func(t testing.TB) []kapivara.Event { return sameLog(t, byNATS(t), bySQL(t)) }
	return store
}

// remoteWriter is a write service with a NATS server of its own, so that it can be told from others at the same store,
// behind a client.
type remoteWriter struct {
	t      testing.TB
	config app.Config
	stop   func()
	client *client.Client

	mu     sync.Mutex
	queue  []func() // begun before the start
	asking sync.WaitGroup
}

// Start runs the service, and sends what was begun before, in its order.
func (w *remoteWriter) Start(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop = run(w.t, w.config, app.Writer)
	w.client = connect(w.t, w.config.NATS.URL)
	for _, send := range w.queue {
		before := w.client.Conn().Stats().OutMsgs
		send()
		for begun := time.Now(); w.client.Conn().Stats().OutMsgs == before && time.Since(begun) < patience; { // then the next
			runtime.Gosched()
		}
	}
	w.queue = nil
	return nil
}

// Stop waits for all answers and ends the service.
func (w *remoteWriter) Stop() {
	w.asking.Wait()
	if w.stop != nil {
		w.stop()
	}
}

// Append sends a request by the SDK.
func (w *remoteWriter) Append(publisher string, a *kapivara.Append, done func(*kapivara.AppendResult, error)) {
	w.send(func() {
		result, err := w.client.Append(context.Background(), publisher, *a)
		if err != nil {
			done(nil, refusalIn(err))
			return
		}
		done(&result, nil)
	})
}

// AppendMany sends a request by the SDK.
func (w *remoteWriter) AppendMany(publisher string, m *kapivara.AppendMany, done func(*kapivara.AppendManyResult, error)) {
	w.send(func() {
		result, err := w.client.AppendMany(context.Background(), publisher, *m)
		if err != nil {
			done(nil, refusalIn(err))
			return
		}
		done(&result, nil)
	})
}

// send asks beside the caller; before the start the question waits.
func (w *remoteWriter) send(ask func()) {
	send := func() { w.asking.Go(ask) }
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.client == nil {
		w.queue = append(w.queue, send)
		return
	}
	send()
}

// refusalIn is the refusal that the SDK has put into its words about which request it was.
func refusalIn(err error) error {
	var refusal *kapivara.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return err
}
