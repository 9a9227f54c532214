package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// topLines are the lines of a frame, at most so many; 0 for all. The subscribers come first, then the buckets that have
// most to tell, or those of the chosen subscriber.
func topLines(f topFrame, v *topView, most int, note string) []string {
	lines := []string{topHead(f, v, note), ""}
	if v.help {
		return append(lines, topKeys()...)
	}
	all := v.sorted(f)
	at := slices.IndexFunc(all, func(s topSubscriber) bool { return s.Subscriber == v.chosen })
	subscribers := topSubscriberLines(all)
	if at >= 0 {
		subscribers[at+1] = lineChosen + subscribers[at+1] + linePlain
		if room := max((most-6)/2, 1); most > 0 && len(all) > room { // so that it is seen, and its buckets
			first := 1 + max(0, min(at-room/2, len(all)-room))
			subscribers = slices.Concat(subscribers[:1], subscribers[first:first+room])
		}
		all = all[at : at+1]
	}
	lines = append(lines, subscribers...)
	lines = append(lines, "")
	lines = append(lines, topBucketLines(all, at >= 0)...)
	if most > 0 && len(lines) > most-1 {
		hidden := len(lines) - (most - 2)
		lines = append(lines[:most-2], fmt.Sprintf("… and %d lines more: name a subscriber, or see kapivara bucket", hidden))
	}
	return lines
}

// topHead sums the frame up, and says what keeps it from being of now.
func topHead(f topFrame, v *topView, note string) string {
	var sum topCounts
	for i := range f.Subscribers {
		sum.add(&f.Subscribers[i].topCounts)
	}
	head := fmt.Sprintf("kapivara top  %s  %s, lag %s", f.Time.Local().Format(time.DateTime), many(len(f.Subscribers), "subscriber"), thousands(sum.Lag))
	if sum.Parked > 0 {
		head += fmt.Sprintf(", %s parked", thousands(sum.Parked))
	}
	if v.order > 0 {
		head += "  by " + topOrders()[v.order].name
	}
	if v.paused {
		head += "  PAUSED"
	}
	if note != "" {
		head += "  NOT OF NOW: " + clip(note, 80)
	}
	return head
}

func topSubscriberLines(all []topSubscriber) []string {
	var text bytes.Buffer
	t := newTable(&text, "SUBSCRIBER", "NODES", "OWNERS", "LAG", "SECONDS", "LEASED", "HIDDEN", "PARKED", "COMMITTED", "DUE/S", "DONE/S")
	for i := range all {
		s := &all[i]
		t.row(s.Subscriber, s.nodes(), orDash(s.Owners), thousands(s.Lag), lagging(s.LagSeconds), s.Leased, s.Hidden, s.Parked,
			thousands(s.Committed), perSecond(s.DuePerSec), perSecond(s.DonePerSec))
	}
	t.flush()
	return splitLines(&text)
}

// topBucketLines are of every bucket, or of those that have anything to tell: those with most parked and the most lag first.
func topBucketLines(all []topSubscriber, every bool) []string {
	type place struct {
		subscriber string
		*topBucket
	}
	var places []place
	for i := range all {
		for n := range all[i].Buckets {
			if b := &all[i].Buckets[n]; every || b.Lag+b.Parked > 0 || b.Owner != "" {
				places = append(places, place{all[i].Subscriber, b})
			}
		}
	}
	if len(places) == 0 {
		return []string{"In no bucket anything waits, and none is claimed."}
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(b.Lag, a.Lag), cmp.Compare(b.Parked, a.Parked)) })
	var text bytes.Buffer
	t := newTable(&text, "SUBSCRIBER", "BUCKET", "OWNER", "LAG", "SECONDS", "PENDING", "LEASED", "HIDDEN", "PARKED", "COMMITTED", "DONE/S")
	for _, p := range places {
		owner := p.Owner
		if owner == "" {
			owner = "-"
		}
		t.row(p.subscriber, p.Bucket, owner, thousands(p.Lag), lagging(p.LagSeconds), thousands(p.Pending), p.Leased, p.Hidden, p.Parked,
			thousands(p.Committed), perSecond(p.DonePerSec))
	}
	t.flush()
	return splitLines(&text)
}

// nodes says whether anybody works for the subscriber.
func (t *topSubscriber) nodes() string {
	if t.NobodyAnswers != nil && t.Listening != nil && *t.Listening {
		return "no answer since " + t.NobodyAnswers.Local().Format(time.TimeOnly)
	}
	return listening(t.Listening)
}

func splitLines(text *bytes.Buffer) []string {
	return strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", thousands(n), what)
}

// lagging shows seconds, longer times shortly.
func lagging(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case d < 100*time.Second:
		return fmt.Sprintf("%.1f", seconds)
	case d < 48*time.Hour:
		return short(d.Round(time.Minute))
	default:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
}

func perSecond(rate *float64) string {
	switch {
	case rate == nil:
		return "-"
	case *rate < 100:
		return fmt.Sprintf("%.1f", *rate)
	default:
		return thousands(int64(*rate))
	}
}
