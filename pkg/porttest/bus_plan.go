package porttest

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

// busPlan is what happens.
type busPlan struct {
	writers, dispatchers int
	late                 bool // dispatchers start after all else
	streams              []busStream
	steps                []busStep
}

// busStream is a stream with the types of its events.
type busStream struct {
	name   kapivara.Stream
	canary bool
	final  bool     // its last position is the finish position
	types  []string // by position - 1
}

// busStep is one request of a writer, or a wait for the answers of all before.
type busStep struct {
	writer    int
	stream    int
	positions []int                     // to be appended
	set       *kapivara.SubscriberPatch // of the name
	start     float64                   // of a patch with a start: that part of the log as it is then
	remove    bool                      // the name
	replay    bool                      // the name
	name      string
	wait      bool
}

func busNames() []string { return []string{"audit", "billing", "credit"} }

func busTypes() []string { return []string{"opened", "check.first", "check.second", "paid"} }

func busFilters() []kapivara.Filter {
	return []kapivara.Filter{{"*"}, {"*"}, {"paid"}, {"check.*"}, {"check.first", "opened"}, {"never"}}
}

func busPlaces() []kapivara.Filter {
	return []kapivara.Filter{{"*"}, {"*"}, {"*"}, {"a/b/c/*"}, {"a/b/d/1*", "a/b/c/2"}}
}

func drawBusPlan(t *rapid.T) busPlan {
	p := busPlan{
		writers: rapid.IntRange(1, 3).Draw(t, "writers"), dispatchers: rapid.IntRange(1, 2).Draw(t, "dispatchers"),
		late: rapid.IntRange(0, 2).Draw(t, "late") == 0,
	}
	var left [][]int // of each stream
	var open []int   // streams of which something is left
	for i := range 40 {
		n := rapid.IntRange(1, 6).Draw(t, "events")
		s := busStream{
			name:   kapivara.Stream(fmt.Sprintf("a/b/%s/%d", [...]string{"c", "d"}[i%2], i)),
			canary: rapid.IntRange(0, 3).Draw(t, "canary") == 0, final: rapid.IntRange(0, 3).Draw(t, "final") > 0,
		}
		for range n {
			s.types = append(s.types, rapid.SampledFrom(busTypes()).Draw(t, "type"))
		}
		p.streams, left, open = append(p.streams, s), append(left, drawOrder(t, n)), append(open, i)
	}
	for len(open) > 0 {
		step := busStep{writer: rapid.IntRange(0, p.writers-1).Draw(t, "writer"), name: rapid.SampledFrom(busNames()).Draw(t, "name")}
		switch rapid.IntRange(0, 19).Draw(t, "step") {
		case 0, 1, 2:
			step.set = drawBusPatch(t, &step)
		case 3:
			step.remove = rapid.Bool().Draw(t, "remove")
			step.wait = !step.remove
		case 4:
			step.replay = true
		case 5, 6:
			step.wait = true
		default:
			at := rapid.IntRange(0, len(open)-1).Draw(t, "stream")
			step.stream = open[at]
			n := min(len(left[step.stream]), rapid.SampledFrom([]int{1, 1, 2, 6}).Draw(t, "request"))
			step.positions = slices.Clone(left[step.stream][:n])
			if left[step.stream] = left[step.stream][n:]; len(left[step.stream]) == 0 {
				open = slices.Delete(open, at, at+1)
			}
		}
		p.steps = append(p.steps, step)
	}
	return p
}

// drawBusPatch draws some fields; the others stay, or are the defaults of a new subscriber.
func drawBusPatch(t *rapid.T, step *busStep) *kapivara.SubscriberPatch {
	patch := &kapivara.SubscriberPatch{AckWait: to(5 * time.Second)} // a sending may be lost with its dispatcher
	some := func(field string) bool { return rapid.IntRange(0, 2).Draw(t, field) == 0 }
	if some("has types") {
		patch.Types = to(rapid.SampledFrom(busFilters()).Draw(t, "types"))
	}
	if some("has streams") {
		patch.Streams = to(rapid.SampledFrom(busPlaces()).Draw(t, "streams"))
	}
	if some("has deliver") {
		patch.Deliver = to(rapid.SampledFrom([]kapivara.Mode{kapivara.DeliverComplete, kapivara.DeliverAppended}).Draw(t, "deliver"))
	}
	if some("has buckets") {
		patch.Buckets = to(rapid.IntRange(1, 4).Draw(t, "buckets"))
		patch.CanaryBuckets = to(rapid.IntRange(0, 2).Draw(t, "canary buckets"))
	}
	if some("has max_in_flight") {
		patch.MaxInFlight = to(rapid.IntRange(1, 4).Draw(t, "max_in_flight"))
	}
	if some("has start") {
		step.start = rapid.SampledFrom([]float64{0, 0.3, 0.7, 1}).Draw(t, "start")
		patch.Start = &kapivara.Start{}
	}
	return patch
}
