package main

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// topView is how whoever looks wants to see the frames. The zero value shows everything, by name.
type topView struct {
	chosen string // the subscriber whose buckets are shown alone, "" for all
	order  int    // of topOrders
	paused bool
	help   bool
}

// topOrder sorts subscribers.
type topOrder struct {
	name    string
	compare func(a, b *topSubscriber) int
}

// topOrders are gone through by s; where two are alike the name decides.
func topOrders() []topOrder {
	rate := func(s *topSubscriber) float64 {
		if s.DonePerSec == nil {
			return -1
		}
		return *s.DonePerSec
	}
	return []topOrder{
		{"name", func(a, b *topSubscriber) int { return cmp.Compare(a.Subscriber, b.Subscriber) }},
		{"lag", func(a, b *topSubscriber) int { return cmp.Compare(b.Lag, a.Lag) }},
		{"seconds", func(a, b *topSubscriber) int { return cmp.Compare(b.LagSeconds, a.LagSeconds) }},
		{"parked", func(a, b *topSubscriber) int { return cmp.Compare(b.Parked, a.Parked) }},
		{"done/s", func(a, b *topSubscriber) int { return cmp.Compare(rate(b), rate(a)) }},
	}
}

// sorted are the frame's subscribers in the view's order.
func (v *topView) sorted(f topFrame) []topSubscriber {
	all := slices.Clone(f.Subscribers)
	compare := topOrders()[v.order].compare
	slices.SortStableFunc(all, func(a, b topSubscriber) int {
		return cmp.Or(compare(&a, &b), cmp.Compare(a.Subscriber, b.Subscriber))
	})
	return all
}

// press changes the view; quit tells that it is to end.
func (v *topView) press(k key, f *topFrame) (quit bool) {
	switch k {
	case "q":
		return true
	case "?":
		v.help = !v.help
	case "p":
		v.paused = !v.paused
	case "s":
		v.order = (v.order + 1) % len(topOrders())
	case keyUp, "k":
		v.choose(f, -1)
	case keyDown, "j":
		v.choose(f, 1)
	case keyEsc:
		v.chosen, v.help = "", false
	}
	return false
}

// choose goes to the next subscriber, or the one before. Before the first and behind the last it stays.
func (v *topView) choose(f *topFrame, step int) {
	all := v.sorted(*f)
	if len(all) == 0 {
		return
	}
	at := slices.IndexFunc(all, func(s topSubscriber) bool { return s.Subscriber == v.chosen })
	switch {
	case at < 0 && step < 0:
		at = len(all) - 1
	case at < 0:
		at = 0
	default:
		at = min(max(at+step, 0), len(all)-1)
	}
	v.chosen = all[at].Subscriber
}

// topKeys are the lines of the help.
func topKeys() []string {
	return []string{
		"q            end",
		"up, k        the subscriber above, and its buckets alone",
		"down, j      the one below",
		"Esc          all buckets again",
		"s            sort by the next of: name, lag, seconds, parked, done/s",
		"p            pause, and go on",
		"?            these keys, and away with them",
	}
}

// Of a chosen line: black on white, and back.
const (
	lineChosen = "\x1b[7m"
	linePlain  = "\x1b[27m"
)

// fitted cuts a line off where the terminal ends, 0 for never.
func fitted(line string, columns int) string {
	cut := func(text string) string {
		if columns <= 0 || utf8.RuneCountInString(text) <= columns {
			return text
		}
		return string([]rune(text)[:columns-1]) + "…"
	}
	if len(line) > len(lineChosen)+len(linePlain) && line[:len(lineChosen)] == lineChosen {
		return lineChosen + cut(line[len(lineChosen):len(line)-len(linePlain)]) + linePlain
	}
	return cut(line)
}
