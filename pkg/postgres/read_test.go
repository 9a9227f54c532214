package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/porttest"
	"kapivara/pkg/postgres"
	"kapivara/pkg/reader"
)

var _ reader.Store = (*postgres.Reader)(nil)

func TestReaderEvents(t *testing.T) {
	t.Parallel()
	porttest.ReaderEvents(t, func(t *testing.T) (reader.Events, porttest.Fill) {
		store, fixture := newReadFixture(t)
		return store, fixture.fill
	})
}

func TestFilteredLogGoesOnFromWindowToWindow(t *testing.T) {
	t.Parallel()
	store, fixture := newReadFixture(t)
	store.SetWindow(3)
	for i := range 20 {
		kind := "common"
		if i == 0 || i == 12 || i == 13 {
			kind = "rare"
		}
		e := kapivara.Event{Stream: "a/b/c/1", Publisher: "p"}
		e.ID, e.Type, e.Position = kapivara.EventID(fmt.Sprint(i)), kind, i+1
		fixture.fill(t, e)
	}
	for _, backward := range []bool{false, true} {
		q := kapivara.LogQuery{Types: kapivara.Filter{"rare"}, Limit: 10, Bytes: 1 << 20, Backward: backward}
		var found []int64
		pages := 0
		for more := true; more; pages++ {
			page, err := store.Log(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				found = append(found, e.LogPosition)
			}
			q.After, more = page.Next, page.More()
		}
		slices.Sort(found)
		if !slices.Equal(found, []int64{1, 13, 14}) || pages != 7 {
			t.Errorf("backward %v: found %v in %d pages, want 1, 13, 14 in 7", backward, found, pages)
		}
	}
}
