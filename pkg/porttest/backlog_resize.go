package porttest

import (
	"fmt"
	"slices"
	"testing"

	"kapivara/pkg/kapivara"
)

// place places once.
func (b *backlogTest) place(t *testing.T) (worked bool, finished string) {
	t.Helper()
	worked, finished, err := b.Backlog.Place(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return worked, finished
}

// placeAll places to the end and gives the subscribers that are done.
func (b *backlogTest) placeAll(t *testing.T) (finished []string) {
	t.Helper()
	for {
		worked, name := b.place(t)
		if name != "" {
			finished = append(finished, name)
		}
		if !worked {
			break
		}
	}
	r := must[*kapivara.Registry](t)(b.Registry.Registry(b.ctx))
	for _, s := range r.Subscribers {
		if s.Moving != nil {
			t.Errorf("%s still moves: %+v", s.Name, s.Moving)
		}
	}
	return finished
}

func (b *backlogTest) resize(t *testing.T, name string, buckets int) *kapivara.Subscriber {
	t.Helper()
	return b.set(t, name, kapivara.SubscriberPatch{Buckets: &buckets})
}

// I-17: what was never sent stands where the rule over the buckets in force puts it, and what comes meanwhile does so too.
func backlogResized(t *testing.T, b *backlogTest) {
	b.set(t, "s", kapivara.SubscriberPatch{Buckets: to(4)})
	other := b.set(t, "other", kapivara.SubscriberPatch{Buckets: to(4)})
	b.complete(t, 10)
	for _, buckets := range []int{16, 3, 8} {
		before := must[*kapivara.Registry](t)(b.Registry.Registry(b.ctx)).Version
		s := b.resize(t, "s", buckets)
		if m := s.Moving; m == nil || m.Until != int64(b.sent) || m.Placed != 0 {
			t.Errorf("over %d buckets it has the move %+v, want one to %d", buckets, m, b.sent)
		}
		b.place(t)
		b.complete(t, 2)
		if finished := b.placeAll(t); !slices.Equal(finished, []string{"s"}) {
			t.Errorf("over %d buckets %v are done, want s once", buckets, finished)
		}
		r := must[*kapivara.Registry](t)(b.Registry.Registry(b.ctx))
		if r.Version != before+2 {
			t.Errorf("the registry went from version %d to %d, want one for the change and one for its end", before, r.Version)
		}
		b.wantDue(t, s, upTo(b.sent)...)
	}
	b.wantDue(t, other, upTo(b.sent)...)
	if same := b.resize(t, "s", 8); same.Moving != nil {
		t.Errorf("the same number of buckets has the move %+v", same.Moving)
	}
}

func upTo(n int) (all []int64) {
	for i := range n {
		all = append(all, int64(i+1))
	}
	return all
}

func backlogResizedTwice(t *testing.T, b *backlogTest) {
	b.set(t, "s", kapivara.SubscriberPatch{Buckets: to(4)})
	b.complete(t, 8)
	b.resize(t, "s", 16)
	b.place(t)
	b.complete(t, 2)
	b.resize(t, "s", 5)
	b.place(t)
	s := b.set(t, "s", kapivara.SubscriberPatch{Description: to("another field")})
	b.placeAll(t)
	b.wantDue(t, s, upTo(10)...)
	b.resize(t, "s", 9)
	b.place(t)
	s = b.resize(t, "s", 5)
	b.placeAll(t)
	b.wantDue(t, s, upTo(10)...)
}

func backlogResizedBehind(t *testing.T, b *backlogTest) {
	b.complete(t, 8)
	b.set(t, "s", kapivara.SubscriberPatch{Start: to(kapivara.Start{}), Buckets: to(4)})
	b.part(t)
	s := b.resize(t, "s", 7)
	b.part(t)
	b.place(t)
	b.complete(t, 2)
	b.all(t)
	b.placeAll(t)
	b.wantDue(t, s, upTo(10)...)
}

func backlogResizedRemoved(t *testing.T, b *backlogTest) {
	b.set(t, "s", kapivara.SubscriberPatch{Buckets: to(4)})
	b.complete(t, 8)
	b.resize(t, "s", 7)
	b.place(t)
	must[int64](t)(b.registry.Subscribers.Remove(b.ctx, "s"))
	again := b.set(t, "s", kapivara.SubscriberPatch{Buckets: to(4)})
	if finished := b.placeAll(t); len(finished) > 0 {
		t.Errorf("%v are done", finished)
	}
	b.complete(t, 1)
	b.wantDue(t, again, 9)
}

// I-19: a canary stream stands in a canary bucket where there is any; without them it goes to a normal one.
func backlogCanary(t *testing.T, b *backlogTest) {
	s := b.set(t, "s", kapivara.SubscriberPatch{Buckets: to(4)})
	const canaries = 6
	for i := range canaries {
		b.appendOne(t, &kapivara.Append{
			Stream: kapivara.Stream(fmt.Sprintf("a/b/canary/%d", i+1)), Canary: to(true),
			Events: []kapivara.NewEvent{{ID: kapivara.EventID(fmt.Sprint("canary ", i)), Type: "odd", Final: true}},
		})
	}
	for _, canary := range []int{3, 2, 0} {
		b.set(t, "s", kapivara.SubscriberPatch{CanaryBuckets: to(canary)})
		b.placeAll(t)
		due := b.Due()
		if len(due) != canaries {
			t.Errorf("with %d canary buckets %d are due, want %d", canary, len(due), canaries)
		}
		for _, d := range due {
			name := kapivara.Stream(fmt.Sprintf("a/b/canary/%d", d.LogPosition))
			want := kapivara.Bucket(kapivara.JumpHash(name.Hash(), s.Buckets))
			if canary > 0 {
				want = kapivara.Bucket(-1 - kapivara.JumpHash(name.Hash(), canary))
			}
			if d.Bucket != want {
				t.Errorf("with %d canary buckets %s waits in %s, want %s", canary, name, d.Bucket, want)
			}
		}
	}
}
