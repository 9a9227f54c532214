package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"kapivara/pkg/client"
)

// A stream of 100,000 events, and one of many megabytes, go by reference and are read page by page: whole, in order, within
// ack_wait however long the pages take, and in the memory of a few pages. KAPIVARA_LARGE_MB is the size of the second,
// 40 by default; 200 has been run.
func TestLargeStreamsAreReadPageByPage(t *testing.T) {
	if testing.Short() {
		t.Skip("stores 100,000 events and 40 MB")
	}
	megabytes := 40
	if text := os.Getenv("KAPIVARA_LARGE_MB"); text != "" {
		var err error
		if megabytes, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	url, _ := startBus(t)
	dial(t, url).set("large", `{"buckets": 1, "ack_wait": "5s"}`)
	c, err := client.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range []struct{ events, perRequest, size int }{{100_000, 1000, 20}, {megabytes * 4, 3, 250 << 10}} {
		stream := client.Stream(fmt.Sprintf("a/b/c/%d-of-%d", s.events, s.size))
		storeLarge(t, c, stream, s.events, s.perRequest, s.size)
		readLarge(t, c, stream, s.events, s.size)
	}
}

func storeLarge(t *testing.T, c *client.Client, stream client.Stream, events, perRequest, size int) {
	t.Helper()
	data := append(append([]byte{'"'}, bytes.Repeat([]byte("x"), size-2)...), '"')
	for from := 1; from <= events; from += perRequest {
		a := client.Append{Stream: stream}
		for p := from; p < from+perRequest && p <= events; p++ {
			a.Events = append(a.Events, client.NewEvent{
				ID: client.EventID(fmt.Sprint(stream, p)), Type: "t", Kind: client.JSONData, Data: data, Final: p == events,
			})
		}
		if err := client.Retry(t.Context(), func(ctx context.Context) error {
			_, err := c.Append(ctx, "p", a)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// readLarge handles the delivery and measures by how much the heap has grown, at every twentieth of the stream.
func readLarge(t *testing.T, c *client.Client, stream client.Stream, events, size int) {
	t.Helper()
	type outcome struct {
		n, bytes int
		grown    uint64
		err      error
	}
	outcomes := make(chan outcome, 10)
	before := heap()
	s, err := c.Subscribe("large", func(ctx context.Context, d *client.Delivery) error {
		o := outcome{}
		if len(d.Raw) > 2000 || d.Stream != stream || d.To != events {
			o.err = fmt.Errorf("%d events of %s came in %d bytes", d.To, d.Stream, len(d.Raw))
		}
		for e, err := range d.Events(ctx) {
			if err != nil {
				o.err = err
				break
			}
			o.n++
			o.bytes += len(e.Data)
			if o.n%max(1, events/20) == 0 {
				if h := heap(); h > before {
					o.grown = max(o.grown, h-before)
				}
			}
		}
		outcomes <- o
		return o.err
	})
	if err != nil {
		t.Fatal(err)
	}
	o := <-outcomes
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if o.err != nil || o.n != events || o.bytes != events*size {
		t.Fatalf("got %d events of %d bytes, %v; want %d of %d", o.n, o.bytes, o.err, events, events*size)
	}
	t.Logf("%d events, %d bytes: the heap grew by %d KiB at most", o.n, o.bytes, o.grown>>10)
	// A page is below 1 MiB as JSON; the services of the test live in this process, too.
	if most := uint64(24 << 20); o.grown > most {
		t.Errorf("the heap grew by %d bytes, want at most %d", o.grown, most)
	}
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
