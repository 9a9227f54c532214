package porttest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"kapivara/pkg/kapivara"
)

// grow appends one event of the type by a request of its own.
func (b *backlogTest) grow(t *testing.T, stream string, position int, kind string) {
	t.Helper()
	b.sent++
	answer := make(chan error, 1)
	b.writer.Append("p", &kapivara.Append{
		Stream: kapivara.Stream("a/b/c/" + stream),
		Events: []kapivara.NewEvent{{ID: kapivara.EventID(fmt.Sprint(b.sent)), Type: kind, Position: position}},
	}, func(_ *kapivara.AppendResult, err error) { answer <- err })
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
}

// wantGrowths compares the growths that are due, each as log position and how far it has grown.
func (b *backlogTest) wantGrowths(t *testing.T, s *kapivara.Subscriber, want ...string) {
	t.Helper()
	var got []string
	due := b.Due()
	slices.SortFunc(due, func(a, b kapivara.Due) int { return cmp.Compare(a.LogPosition, b.LogPosition) })
	for _, d := range due {
		if d.Subscriber == s.No {
			got = append(got, fmt.Sprintf("%d:%d", d.LogPosition, d.Grown))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: due are %v, want %v", s.Name, got, want)
	}
}

// backlogGrowths holds the backlog of growths to the first growth after the start by which a stream fits: it stands for
// those after it, which are joined.
func backlogGrowths(t *testing.T, b *backlogTest) {
	b.grow(t, "1", 1, "odd")  // 1
	b.grow(t, "2", 2, "odd")  // 2
	b.grow(t, "1", 2, "even") // 3
	b.grow(t, "2", 1, "even") // 4: up to 2
	b.grow(t, "3", 1, "even") // 5
	b.grow(t, "1", 4, "odd")  // 6: above a hole
	b.grow(t, "3", 2, "odd")  // 7
	b.grow(t, "4", 3, "odd")  // 8: above a hole
	set := func(name string, start int64, types ...string) *kapivara.Subscriber {
		patch := kapivara.SubscriberPatch{Start: to(kapivara.Start{After: start}), Deliver: to(kapivara.DeliverAppended)}
		if len(types) > 0 {
			patch.Types = to(kapivara.Filter(types))
		}
		return b.set(t, name, patch)
	}
	all, third, fourth, fifth, last := set("all", 0), set("third", 3), set("fourth", 4), set("fifth", 5), set("last", 7)
	odd, oddLater, none := set("odd", 0, "od*"), set("odd-later", 1, "odd"), set("none", 0, "else")
	fresh := b.set(t, "fresh", kapivara.SubscriberPatch{Deliver: to(kapivara.DeliverAppended)})
	if !all.Behind || !all.Grown || fresh.Behind {
		t.Errorf("from the beginning: behind %v, grown %v; from now on: behind %v", all.Behind, all.Grown, fresh.Behind)
	}
	b.part(t)
	b.set(t, "all", kapivara.SubscriberPatch{Deliver: to(kapivara.DeliverComplete), Types: to(kapivara.Filter{"else"})})
	b.all(t)
	for s, want := range map[*kapivara.Subscriber][]string{
		all: {"1:2", "4:2", "5:2"}, third: {"4:2", "5:2"}, fourth: {"5:2"}, fifth: {"7:2"}, last: nil,
		odd: {"1:2", "4:2", "7:2"}, oddLater: {"3:2", "4:2", "7:2"}, none: nil, fresh: nil,
	} {
		b.wantGrowths(t, s, want...)
	}
	b.grow(t, "1", 3, "even") // 9: up to 4
	b.wantGrowths(t, third, "4:2", "5:2", "9:4")
	b.wantGrowths(t, fresh, "9:4")
	b.wantGrowths(t, odd, "1:2", "4:2", "7:2", "9:4")
	b.wantGrowths(t, all, "1:2", "4:2", "5:2")
}
