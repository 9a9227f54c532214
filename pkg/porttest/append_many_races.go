package porttest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"kapivara/pkg/kapivara"
)

// racingMany has n goroutines send through two writers at once, and gives the answers.
func (a appendTest) racingMany(t *testing.T, n int, request func(i int) *kapivara.AppendMany) []manyAnswer {
	t.Helper()
	writers := []*appendWriter{a.writer(t), a.writer(t)}
	answers := make([]manyAnswer, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			answers[i] = <-writers[i%2].beginMany(request(i))
		})
	}
	close(start)
	wg.Wait()
	return answers
}

// manySkew is the write skew: each of a pair writes one stream on the condition that the other is not begun. Where what a
// condition rests on is read and not held until the commit, both are done.
func manySkew(t *testing.T, a appendTest) {
	const pairs = 30
	answers := a.racingMany(t, 2*pairs, func(i int) *kapivara.AppendMany {
		pair := i / 2
		mine, others := fmt.Sprint("left", pair), fmt.Sprint("right", pair)
		if i%2 != pair%2 { // each writer gets either kind
			mine, others = others, mine
		}
		return where(together(appendTo(mine, appendEvent(fmt.Sprint("e", i)))), others, kapivara.ExpectNew())
	})
	for pair := range pairs {
		done := 0
		for _, answer := range answers[2*pair : 2*pair+2] {
			if answer.err == nil {
				done++
				continue
			}
			wantCode(t, answer.err, kapivara.WrongVersion)
		}
		if done != 1 {
			t.Errorf("of pair %d %d are done, want 1", pair, done)
		}
	}
	a.wantLog(t, pairs)
}

// manyRing has each of three write one stream on the condition that the next is not begun: whoever comes last in the log
// must have found the next begun, unless it was refused.
func manyRing(t *testing.T, a appendTest) {
	const rings, of = 16, 3
	answers := a.racingMany(t, rings*of, func(i int) *kapivara.AppendMany {
		ring, k := i/of, i%of
		return where(together(appendTo(fmt.Sprint("R", ring, "-", k), appendEvent(fmt.Sprint("e", i)))),
			fmt.Sprint("R", ring, "-", (k+1)%of), kapivara.ExpectNew())
	})
	stored := 0
	for ring := range rings {
		done := [of]int64{}
		for k, answer := range answers[ring*of : ring*of+of] {
			if answer.err != nil {
				wantCode(t, answer.err, kapivara.WrongVersion)
				continue
			}
			stored++
			done[k] = answer.Appends[0].Events[0].LogPosition
		}
		for k, position := range done {
			if next := done[(k+1)%of]; position > 0 && next > 0 && next < position {
				t.Errorf("ring %d: %d was done at %d although the next had begun at %d", ring, k, position, next)
			}
		}
	}
	a.wantLog(t, stored)
}

// account is what a client knows of an account: its version, and what is in it.
type account struct{ version, balance int }

// accountsIn are the accounts as the log tells them, by their number.
func accountsIn(log []kapivara.Event, n int) []account {
	accounts := make([]account, n)
	for _, e := range log {
		var no, amount int
		if _, err := fmt.Sscanf(e.Stream.ID(), "account%d", &no); err != nil {
			continue
		}
		_, _ = fmt.Sscanf(string(e.Data), "%d", &amount)
		accounts[no].version++
		accounts[no].balance += amount
	}
	return accounts
}

func moved(id string, amount int) kapivara.NewEvent {
	e := appendEvent(id)
	e.Data = fmt.Append(nil, amount)
	return e
}

// manyTransfers has clients move money between accounts by what they have read, all at once in each round: the account
// that pays is expected as it was read, the other takes whatever comes. I-03: no half of a transfer is stored, so the sum
// stays; I-07: no account is ever overdrawn, though every client but the first of a round decides on what is no more.
func manyTransfers(t *testing.T, a appendTest) {
	const accounts, clients, rounds, start = 4, 12, 5, 3
	writers := []*appendWriter{a.writer(t), a.writer(t)}
	open := &kapivara.AppendMany{}
	for i := range accounts {
		open.Appends = append(open.Appends, *appendTo(fmt.Sprint("account", i), moved(fmt.Sprint("open", i), start)))
	}
	writers[0].okMany(t, open)
	random := rand.New(rand.NewPCG(3, 7))
	done := 0
	for round := range rounds {
		known := accountsIn(a.Events(t), accounts)
		var answers []<-chan manyAnswer
		for c := range clients {
			from, amount := random.IntN(accounts), 1+random.IntN(2)
			into := (from + 1 + random.IntN(accounts-1)) % accounts
			if known[from].balance < amount {
				continue
			}
			id := fmt.Sprint("transfer", round, "-", c)
			answers = append(answers, writers[c%2].beginMany(together(
				appendExpect(kapivara.ExpectVersion(known[from].version), appendTo(fmt.Sprint("account", from), moved(id+" out", -amount))),
				appendTo(fmt.Sprint("account", into), moved(id+" in", amount)),
			)))
		}
		for _, c := range answers {
			if answer := <-c; answer.err == nil {
				done++
			} else {
				wantCode(t, answer.err, kapivara.WrongVersion)
			}
		}
	}
	if done == 0 {
		t.Error("no transfer was done")
	}
	wantTransfers(t, a.wantLog(t, accounts+2*done), accounts, start)
}

// wantTransfers holds every prefix of the log that ends with a request to the invariants.
func wantTransfers(t *testing.T, log []kapivara.Event, accounts, start int) {
	t.Helper()
	for i := accounts; i < len(log); i += 2 {
		out, in := string(log[i].ID), string(log[i+1].ID)
		if id, ok := strings.CutSuffix(out, " out"); !ok || in != id+" in" {
			t.Fatalf("log position %d holds %s, the next %s: half a transfer", i+1, out, in)
		}
		sum := 0
		for no, account := range accountsIn(log[:i+2], accounts) {
			sum += account.balance
			if account.balance < 0 {
				t.Fatalf("account %d is overdrawn at log position %d", no, i+2)
			}
		}
		if sum != accounts*start {
			t.Fatalf("the sum is %d at log position %d, want %d", sum, i+2, accounts*start)
		}
	}
}

// manyCrossing has two writers store in the same streams in opposite orders, which would deadlock where streams are
// locked one by one.
func manyCrossing(t *testing.T, a appendTest) {
	const n, streams = 80, 6
	answers := a.racingMany(t, n, func(i int) *kapivara.AppendMany {
		m := &kapivara.AppendMany{}
		for k := range streams {
			s := k
			if i%2 == 1 {
				s = streams - 1 - k
			}
			m.Appends = append(m.Appends, *appendTo(fmt.Sprint("S", s), appendEvent(fmt.Sprint(i, "-", k))))
		}
		return where(m, "never", kapivara.ExpectNew())
	})
	for i, answer := range answers {
		if answer.err != nil {
			t.Fatalf("request %d: %v", i, answer.err)
		}
		first := answer.Appends[0].Events[0].LogPosition
		for k, r := range answer.Appends {
			if got := r.Events[0]; got.LogPosition != first+int64(k) || got.Position != answer.Appends[0].Events[0].Position {
				t.Fatalf("request %d: %+v: its events do not stand together", i, answer.Appends)
			}
		}
	}
	a.wantLog(t, n*streams)
}
