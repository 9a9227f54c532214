package writer_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

func TestAFullQueueIsBusy(t *testing.T) {
	t.Parallel()
	d := newDesk(t, writer.Config{Queue: 2})
	waiting := []<-chan answer{d.begin(appendOf("S", "a")), d.begin(appendOf("S", "b"))}
	refused := d.send(appendOf("S", "c"))
	var busy *kapivara.Error
	if !errors.As(refused.err, &busy) || busy.Code != kapivara.Busy || busy.Facts.RetryAfter != "100ms" {
		t.Errorf("got %v, want busy with retry_after", refused.err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range waiting {
		if got := <-c; got.err != nil {
			t.Errorf("what was accepted before: %v", got.err)
		}
	}
	if got := d.send(appendOf("S", "c")); got.err != nil || got.Version != 3 {
		t.Errorf("the same request again later: %+v", got)
	}
	d.Stop()
}

func TestWhatArrivesMeanwhileSharesTheNextBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, writer.Config{}).started(t)
		defer d.Stop()
		d.log.hold = make(chan struct{})
		var answers []<-chan answer
		add := func(stream, id string) {
			answers = append(answers, d.begin(appendOf(stream, id)))
			synctest.Wait()
		}
		add("S", "a")
		add("S", "b") // on top of what is not durable yet
		if got := d.log.batches(); !slices.Equal(got, []int{1, 1}) {
			t.Fatalf("batches %v, want two on their way at once", got)
		}
		for i := range 5 {
			add(fmt.Sprint("T", i%2), fmt.Sprint("later", i))
		}
		if got := d.log.batches(); len(got) != 2 {
			t.Fatalf("batches %v, want no third while two are on their way", got)
		}
		d.log.hold <- struct{}{}
		synctest.Wait()
		if got := d.log.batches(); !slices.Equal(got, []int{1, 1, 5}) {
			t.Errorf("batches %v, want what had arrived meanwhile in one", got)
		}
		close(d.log.hold)
		for i, c := range answers {
			if got := <-c; got.err != nil || got.Events[0].LogPosition != int64(i)+2 {
				t.Errorf("append %d: %+v", i, got)
			}
		}
	})
}

func TestABatchHasItsFillOfEvents(t *testing.T) {
	t.Parallel()
	d := newDesk(t, writer.Config{BatchEvents: 4}).started(t)
	d.Stop()
	next := newDesk(t, writer.Config{BatchEvents: 4})
	next.log = d.log
	next.Writer = writer.New(d.log, d.log, nil, func(writer.Notice) {}, writer.Config{BatchEvents: 4}, nil)
	defer next.Stop()
	before := len(d.log.batches())
	var answers []<-chan answer
	for i := range 5 {
		answers = append(answers, next.begin(appendOf(fmt.Sprint("S", i), fmt.Sprint(i, "a"), fmt.Sprint(i, "b"), fmt.Sprint(i, "c"))))
	}
	if err := next.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range answers {
		if got := <-c; got.err != nil {
			t.Error(got.err)
		}
	}
	if got := d.log.batches()[before:]; !slices.Equal(got, []int{6, 6, 3}) {
		t.Errorf("batches %v, want the second append to fill each of 4", got)
	}
}

// Whatever the log says of a batch, each append is decided again until it is certain.
func TestABatchThatWasNotDoneIsDecidedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		times int
		err   error
	}{
		"moved once": {1, kapivara.ErrMoved}, "moved for ever": {1 << 30, kapivara.ErrMoved},
		"taken once": {1, kapivara.ErrTaken}, "taken for ever": {1 << 30, kapivara.ErrTaken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, writer.Config{}).started(t)
			defer d.Stop()
			d.log.before = true
			d.log.failing(c.times, c.err)
			var answers []<-chan answer
			for i := range 20 {
				answers = append(answers, d.begin(appendOf(fmt.Sprint("S", i%3), fmt.Sprint(i))))
			}
			for i, c := range answers {
				if got := <-c; got.err != nil || !got.Events[0].Stored {
					t.Errorf("append %d: %+v", i, got)
				}
			}
			a := appendOf("S0", "refused")
			a.Expect = kapivara.ExpectNew()
			if got := d.send(a); kapivara.CodeOf(got.err) != kapivara.WrongVersion {
				t.Errorf("got %+v, want wrong_version", got)
			}
			if log := d.log.Events(); len(log) != 21 {
				t.Errorf("the log has %d events, want 21", len(log))
			}
		})
	}
}

// An unknown outcome is told as such to all of the batch, and the same requests again tell the truth.
func TestAnUnknownOutcomeIsClearedUpByTheNextSending(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{true, false} {
		t.Run(fmt.Sprint("lost ", lost), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, writer.Config{}).started(t)
			defer d.Stop()
			d.log.before = lost
			d.log.failing(1, kapivara.Refuse(kapivara.OutcomeUnknown, "lost"))
			if got := d.send(appendOf("S", "a", "b")); kapivara.CodeOf(got.err) != kapivara.OutcomeUnknown {
				t.Fatalf("got %+v, want outcome_unknown", got)
			}
			a := appendOf("S", "a", "b")
			a.Expect = kapivara.ExpectNew()
			got := d.send(a)
			if got.err != nil || got.Events[0].Stored != lost || got.Events[1].Position != 2 {
				t.Errorf("the same again: %+v", got)
			}
			if got := d.send(appendOf("S", "c")); got.err != nil || got.Version != 3 {
				t.Errorf("the next: %+v", got)
			}
		})
	}
}

func TestAnErrorOfTheStoreIsHandedOnAndTheWriterGoesOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, writer.Config{}).started(t)
	defer d.Stop()
	broken := errors.New("broken")
	d.log.before = true
	d.log.failing(1, broken)
	if got := d.send(appendOf("S", "a")); !errors.Is(got.err, broken) {
		t.Errorf("got %v, want the store's own error", got.err)
	}
	if got := d.send(appendOf("S", "a")); got.err != nil || got.Version != 1 {
		t.Errorf("the next: %+v", got)
	}
}

// What was decided on a batch that failed has failed as well, and is decided again.
func TestABatchOnTopOfAFailedOneIsDecidedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, writer.Config{}).started(t)
		defer d.Stop()
		d.log.before, d.log.hold = true, make(chan struct{})
		d.log.failing(1, kapivara.Refuse(kapivara.OutcomeUnknown, "lost"))
		first := d.begin(appendOf("S", "a"))
		synctest.Wait()
		second, third := appendOf("S", "b"), appendOf("S", "c")
		third.Expect = kapivara.ExpectVersion(2)
		held := []<-chan answer{d.begin(second), d.begin(third)}
		synctest.Wait()
		close(d.log.hold)
		if got := <-first; kapivara.CodeOf(got.err) != kapivara.OutcomeUnknown {
			t.Errorf("the first: %+v", got)
		}
		if got := <-held[0]; got.err != nil || got.Events[0].Position != 1 {
			t.Errorf("the second: %+v, want position 1", got)
		}
		if got := <-held[1]; kapivara.CodeOf(got.err) != kapivara.WrongVersion {
			t.Errorf("the third: %+v, want wrong_version", got)
		}
	})
}

func TestNoticesTellWhatWasStored(t *testing.T) {
	t.Parallel()
	d := newDesk(t, writer.Config{})
	registry := writer.NewRegistry(d.log.Registry, nil, nil)
	if _, err := registry.Subscribers.Set(t.Context(), "all", kapivara.SubscriberPatch{}); err != nil {
		t.Fatal(err)
	}
	d.started(t) // the exclusive road: the type is new
	a := appendOf("S", "a", "b")
	a.Events[1].Final = true
	for _, a := range []*kapivara.Append{a, a, appendOf("S", "refused")} {
		d.send(a)
	}
	d.Stop()
	if len(d.notices) != 2 {
		t.Fatalf("%d notices, want one for each transaction that stored something: %+v", len(d.notices), d.notices)
	}
	if n := d.notices[0]; n.Head != 1 || !n.Registry || n.Due || len(n.Events) != 1 {
		t.Errorf("the first: %+v", n)
	}
	n := d.notices[1]
	if n.Head != 3 || n.Registry || !n.Due || len(n.Events) != 2 {
		t.Fatalf("the second: %+v", n)
	}
	for i, e := range d.log.Events()[1:] {
		if got := fmt.Sprintf("%+v", n.Events[i]); got != fmt.Sprintf("%+v", e) {
			t.Errorf("told of %s, stored %+v", got, e)
		}
	}
}

func TestStopAnswersAllThatWasAccepted(t *testing.T) {
	t.Parallel()
	for range 20 {
		d := newDesk(t, writer.Config{})
		var wg sync.WaitGroup
		answers := make(chan answer, 200)
		for c := range 10 {
			wg.Go(func() {
				for i := range 20 {
					d.Append("loans", appendOf(fmt.Sprint("S", c), fmt.Sprintf("%d-%d", c, i)),
						func(r *kapivara.AppendResult, err error) { answers <- answer{r, err} })
				}
			})
		}
		for range 3 {
			wg.Go(func() {
				if err := d.Start(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for range 3 {
			wg.Go(d.Stop)
		}
		wg.Wait()
		if len(answers) != 200 {
			t.Fatalf("%d answers, want 200", len(answers))
		}
		for range 200 {
			if got := <-answers; got.err != nil {
				t.Fatal(got.err)
			}
		}
	}
	newDesk(t, writer.Config{}).Stop() // never started
}

// However little it remembers, a writer decides right.
func TestASmallMemoryChangesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, writer.Config{BatchEvents: 8, Streams: 1, IDs: 1}).started(t)
	defer d.Stop()
	const streams, rounds = 40, 4
	for round := range rounds {
		var answers []<-chan answer
		for s := range streams {
			a := appendOf(fmt.Sprint("S", s), fmt.Sprintf("%d-%d", s, round))
			a.Expect = kapivara.ExpectVersion(round)
			answers = append(answers, d.begin(a), d.begin(a))
		}
		for i, c := range answers {
			if got := <-c; got.err != nil || got.Events[0].Position != round+1 {
				t.Fatalf("round %d, append %d: %+v", round, i, got)
			}
		}
	}
	if log := d.log.Events(); len(log) != 1+streams*rounds {
		t.Errorf("the log has %d events, want %d", len(log), 1+streams*rounds)
	}
}
