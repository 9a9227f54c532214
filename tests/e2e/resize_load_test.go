package e2e_test

import (
	"context"
	"fmt"
	"sync"
)

// resizeEvents is how long the streams are that are written while buckets change.
const resizeEvents = 4

// resizeLoad writes streams in steps, so that many are open at once; every sixth is a canary.
type resizeLoad struct {
	mu      sync.Mutex
	streams []string
}

// begin writes so many streams, each at once.
func (l *resizeLoad) begin(c caller, streams int) {
	for n := range streams {
		l.append(c, 0, n, []int{2, 3, 1, 4})
	}
}

// write writes streams until ctx ends, and then to the end what was begun.
func (l *resizeLoad) write(ctx context.Context, c caller, writer int) {
	const open = 6
	begun := 0
	for step := 0; ; step++ {
		if ctx.Err() == nil {
			begun++
		}
		// The second event before the first, so that it grows by two.
		for i, positions := range [][]int{{2}, {1}, {3, 4}} {
			if n := step - i*open/2; n >= 0 && n < begun {
				l.append(c, writer, n, positions)
			}
		}
		if step >= begun+open {
			return
		}
	}
}

func (l *resizeLoad) append(c caller, writer, n int, positions []int) {
	kind := "even"
	if n%6 == 0 {
		kind = "odd"
	}
	stream := fmt.Sprintf("e2e/resize/%s/%d-%d", kind, writer, n)
	events := ""
	for _, p := range positions {
		if events != "" {
			events += ","
		}
		events += fmt.Sprintf(`{"id":"%s#%d","type":"step","position":%d,"final":%v,"data":{"n":%d}}`, stream, p, p, p == resizeEvents, n)
	}
	body := fmt.Sprintf(`{"stream":%q,"canary":%v,"events":[%s]}`, stream, kind == "odd", events)
	if err := c.call("kapivara.v1.append.clerk", body, &struct{}{}); err != nil {
		c.t.Errorf("append to %s: %v", stream, err)
	}
	if positions[0] == 2 {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.streams = append(l.streams, stream)
	}
}
