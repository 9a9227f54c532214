package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

// writerUnder is a writer that appends streams whose names begin at a number.
type writerUnder struct {
	*writer.Writer
	from int
}

// appendAll has the writers append n complete streams together; every fourth is a canary.
func appendAll(t *testing.T, writers [2]*writerUnder, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for _, w := range writers {
		wg.Go(func() {
			answers := make(chan error, n)
			for i := range n / 2 {
				no := w.from + 2*i
				stream := kapivara.Stream(fmt.Sprintf("c/s/t/%d", no))
				canary := no%4 == 0
				w.Append("p", &kapivara.Append{Stream: stream, Canary: &canary, Events: []kapivara.NewEvent{
					{ID: kapivara.EventID(stream), Type: "done", Final: true, Kind: kapivara.JSONData, Data: []byte(`{}`)},
				}}, func(_ *kapivara.AppendResult, err error) { answers <- err })
			}
			var err error
			for range n / 2 {
				err = errors.Join(err, <-answers)
			}
			if err != nil {
				t.Errorf("append: %v", err)
			}
		})
	}
	wg.Wait()
}
