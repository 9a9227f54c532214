package overnats_test

import (
	"bytes"
	"reflect"
	"sync"
	"testing"

	"kapivara/pkg/app"
	"kapivara/pkg/client"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// remoteReader runs a read service at the store, on a NATS server of its own, and gives a client of it.
func remoteReader(t testing.TB, pgURL string) *client.Client {
	t.Helper()
	url := kit.NATS(t)
	run(t, settings(url, pgURL), app.Reader)
	return connect(t, url)
}

// remoteLog reads the whole log through a read service, which starts when it is first asked.
func remoteLog(t testing.TB, pgURL string) func(t testing.TB) []kapivara.Event {
	start := sync.OnceValue(func() *client.Client { return remoteReader(t, pgURL) })
	return func(t testing.TB) (events []kapivara.Event) {
		t.Helper()
		for after, more := int64(0), true; more; {
			page, err := start().Log(t.Context(), client.LogQuery{After: after, Limit: 100})
			if err != nil {
				t.Fatalf("read the log: %v", err)
			}
			for i := range page.Events {
				events = append(events, asStored(page.Events[i]))
			}
			after, more = page.Next, page.More
		}
		return events
	}
}

// asStored takes back what an event shows where its publisher has sent nothing: DecodeEvent gives what it sees, and the
// suites ask for what was sent. The default time is the time of recording; the default content type stands last.
func asStored(e kapivara.Event) kapivara.Event {
	if e.Time == wire.FormatTime(e.Recorded) {
		e.Time = ""
	}
	shown := []byte(`"datacontenttype":"application/json"`)
	if e.Kind == kapivara.BinaryData {
		shown = []byte(`"datacontenttype":"application/octet-stream"`)
	}
	if e.Kind != kapivara.NoData {
		e.Attributes = bytes.TrimSuffix(bytes.TrimSuffix(e.Attributes, shown), []byte(","))
	}
	return e
}

// sameLog holds what came over NATS to what stands in the store.
func sameLog(t testing.TB, came, stands []kapivara.Event) []kapivara.Event {
	t.Helper()
	if len(came) != len(stands) {
		t.Fatalf("%d events came over NATS, %d are stored", len(came), len(stands))
	}
	for i := range came {
		a, b := came[i], stands[i]
		if !bytes.Equal(a.Data, b.Data) || !bytes.Equal(a.Attributes, b.Attributes) || !a.Recorded.Equal(b.Recorded) {
			t.Errorf("came  %+v\nstands %+v", a, b)
		}
		a.Data, a.Attributes, a.Recorded = b.Data, b.Attributes, b.Recorded
		if !reflect.DeepEqual(a, b) {
			t.Errorf("came   %+v\nstands %+v", a, b)
		}
	}
	return came
}
