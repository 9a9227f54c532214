package porttest

import (
	"fmt"
	"sync"
	"testing"

	"kapivara/pkg/kapivara"
)

func appendGroup(t *testing.T, a appendTest) {
	w := a.writer(t)
	appendBefore(t, w)
	batch := a.idle(t) // knows nothing of what is stored
	const good = 60
	sent := map[string]<-chan appendAnswer{}
	for i := range good {
		sent[fmt.Sprint("good ", i)] = batch.begin(appendTo(fmt.Sprint("G", i%7), appendEvent(fmt.Sprint("g", i))))
		switch i {
		case 10:
			sent["reused"] = batch.begin(appendTo("M", appendEvent("s1")))
		case 20:
			sent["taken"] = batch.begin(appendTo("S", appendAt(5, "n")))
		case 30:
			sent["repeat"] = batch.begin(appendTo("S", appendAt(5, "s5")))
		case 40:
			sent["twice"] = batch.begin(appendTo("G0", appendEvent("g0")))
		}
	}
	batch.start(t)
	for i := range good {
		answer := <-sent[fmt.Sprint("good ", i)]
		if answer.err != nil {
			t.Errorf("a good one beside conflicts: %v", answer.err)
			continue
		}
		if twice := i == 0 && (<-sent["twice"]).Events[0].Stored; answer.Events[0].Stored == twice {
			t.Errorf("good %d: %+v, stored by the other request as well: %v", i, answer.Events[0], twice)
		}
	}
	appendWantRefusal(t, (<-sent["reused"]).err, kapivara.EventIDReused, appendFacts("S", func(f *kapivara.Facts) { f.ID, f.Position = "s1", to(1) }))
	appendWantRefusal(t, (<-sent["taken"]).err, kapivara.PositionTaken, appendTaken("S", 5, "s5"))
	if answer := <-sent["repeat"]; answer.err != nil || answer.Events[0].Stored {
		t.Errorf("the repeat: %+v", answer)
	}
	a.wantLog(t, appendBeforeEvents+good)
}

func appendOnStored(t *testing.T, a appendTest) {
	appendBefore(t, a.writer(t))
	w := a.idle(t)
	// The first is refused once the store is asked; the second would be refused only if the first were stored.
	refused := w.begin(appendTo("N", appendEvent("s1")))
	accepted := w.begin(appendExpect(kapivara.ExpectNew(), appendTo("N", appendAt(1, "n"))))
	w.start(t)
	wantCode(t, (<-refused).err, kapivara.EventIDReused)
	if answer := <-accepted; answer.err != nil || answer.Version != 1 {
		t.Errorf("it was refused because of what was never stored: %+v", answer)
	}
	a.wantLog(t, appendBeforeEvents+1)
}

func appendOnRefused(t *testing.T, a appendTest) {
	appendBefore(t, a.writer(t))
	w := a.idle(t)
	// The first is refused once the store is asked; the second holds only if it were stored.
	first := w.begin(appendTo("N", appendEvent("s1")))
	second := w.begin(appendExpect(kapivara.ExpectVersion(1), appendTo("N", appendEvent("n"))))
	w.start(t)
	wantCode(t, (<-first).err, kapivara.EventIDReused)
	appendWantRefusal(t, (<-second).err, kapivara.WrongVersion, appendWrong("N", kapivara.ExpectVersion(1), 0))
	a.wantLog(t, appendBeforeEvents)
}

// racing has n goroutines append through two writers at once, and gives the answers.
func (a appendTest) racing(t *testing.T, n int, request func(i int) *kapivara.Append) []appendAnswer {
	t.Helper()
	writers := []*appendWriter{a.writer(t), a.writer(t)}
	answers := make([]appendAnswer, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			answers[i] = <-writers[i%2].begin(request(i))
		})
	}
	close(start)
	wg.Wait()
	return answers
}

// appendOne finds the one answer that is ok.
func appendOne(t *testing.T, answers []appendAnswer) (winner int) {
	t.Helper()
	winner = -1
	for i, answer := range answers {
		if answer.err != nil {
			continue
		}
		if winner >= 0 {
			t.Fatalf("two are ok: %+v and %+v", answers[winner], answer)
		}
		winner = i
	}
	if winner < 0 {
		t.Fatalf("none is ok; the first: %v", answers[0].err)
	}
	return winner
}

const appendRacers = 24

func appendRacePosition(t *testing.T, a appendTest) {
	answers := a.racing(t, appendRacers, func(i int) *kapivara.Append { return appendTo("S", appendAt(3, fmt.Sprint("id", i))) })
	winner := appendOne(t, answers)
	for i, answer := range answers {
		if i != winner {
			appendWantRefusal(t, answer.err, kapivara.PositionTaken, appendTaken("S", 3, fmt.Sprint("id", winner)))
		}
	}
	a.wantLog(t, 1)
}

func appendRaceID(t *testing.T, a appendTest) {
	answers := a.racing(t, appendRacers, func(i int) *kapivara.Append {
		e := appendEvent("id")
		e.Data = fmt.Append(nil, i)
		return appendTo(fmt.Sprint("S", i%3), e)
	})
	winner := appendOne(t, answers)
	for i, answer := range answers {
		if i != winner {
			appendWantRefusal(t, answer.err, kapivara.EventIDReused,
				appendFacts(fmt.Sprint("S", winner%3), func(f *kapivara.Facts) { f.ID, f.Position = "id", to(1) }))
		}
	}
	a.wantLog(t, 1)
}

func appendRaceRepeats(t *testing.T, a appendTest) {
	answers := a.racing(t, appendRacers, func(int) *kapivara.Append { return appendTo("S", appendEvent("a"), appendEvent("b")) })
	stored := 0
	for i, answer := range answers {
		if answer.err != nil {
			t.Fatalf("racer %d: %v", i, answer.err)
		}
		for k, placed := range answer.Events {
			if placed.Position != k+1 || placed.LogPosition != int64(k)+1 {
				t.Errorf("racer %d: %+v", i, placed)
			}
			if placed.Stored {
				stored++
			}
		}
	}
	if stored != 2 {
		t.Errorf("%d entries say stored, want 2", stored)
	}
	a.wantLog(t, 2)
}

func appendRaceFinish(t *testing.T, a appendTest) {
	answers := a.racing(t, 2*appendRacers, func(i int) *kapivara.Append {
		stream := fmt.Sprint("S", i/2)
		if i%2 == i/2%2 { // each writer gets either kind
			return appendTo(stream, appendFinal(5, "final "+stream))
		}
		return appendTo(stream, appendAt(6, "higher "+stream))
	})
	for i := 0; i < len(answers); i += 2 {
		pair := answers[i : i+2]
		winner := appendOne(t, pair)
		stream := fmt.Sprint("S", i/2)
		if pair[winner].Finish == 5 {
			appendWantRefusal(t, pair[1-winner].err, kapivara.StreamFinished, appendEnded(stream, 5, kapivara.Range{From: 1, To: 4}))
		} else {
			appendWantRefusal(t, pair[1-winner].err, kapivara.FinishConflict, appendFacts(stream, func(f *kapivara.Facts) { f.Version = to(6) }))
		}
	}
	a.wantLog(t, appendRacers)
}

func appendRaceVersion(t *testing.T, a appendTest) {
	const rounds = 5
	for version := range rounds {
		answers := a.racing(t, appendRacers/2, func(i int) *kapivara.Append {
			return appendExpect(kapivara.ExpectVersion(version), appendTo("S", appendEvent(fmt.Sprint(version, "-", i))))
		})
		winner := appendOne(t, answers)
		for i, answer := range answers {
			if i != winner {
				appendWantRefusal(t, answer.err, kapivara.WrongVersion, appendWrong("S", kapivara.ExpectVersion(version), version+1))
			}
		}
	}
	a.wantLog(t, rounds)
}

func appendTurns(t *testing.T, a appendTest) {
	writers := []*appendWriter{a.writer(t), a.writer(t)}
	const turns = 12
	for i := range turns {
		r := writers[i%2].ok(t, appendExpect(kapivara.ExpectVersion(i), appendTo("S", appendEvent(fmt.Sprint(i)))))
		if r.Version != i+1 || r.Events[0].LogPosition != int64(i)+1 {
			t.Errorf("turn %d: %+v", i, r)
		}
		other := writers[(i+1)%2]
		if r := other.ok(t, appendTo("S", appendEvent(fmt.Sprint(i)))); r.Events[0].Stored || r.Version != i+1 {
			t.Errorf("the other writer takes it for new: %+v", r)
		}
	}
	a.wantLog(t, turns)
}

func appendTwoWriters(t *testing.T, a appendTest) {
	const n, streams = 240, 5
	answers := a.racing(t, n, func(i int) *kapivara.Append {
		return appendTo(fmt.Sprint("S", i%streams), appendEvent(fmt.Sprint("a", i)), appendEvent(fmt.Sprint("b", i)))
	})
	log := a.wantLog(t, 2*n)
	for i, answer := range answers {
		if answer.err != nil {
			t.Fatalf("append %d: %v", i, answer.err)
		}
		for _, placed := range answer.Events {
			e := log[placed.LogPosition-1]
			if e.ID != placed.ID || e.Position != placed.Position || !placed.Stored {
				t.Fatalf("append %d was answered %+v, the log has %+v", i, placed, e)
			}
		}
		if answer.Events[1].LogPosition != answer.Events[0].LogPosition+1 {
			t.Errorf("append %d: log positions %+v do not follow the request", i, answer.Events)
		}
	}
}
