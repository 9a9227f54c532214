package kapivara_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

// Shares add up to all subscribers, differ by one at most, and whoever has its share keeps what it has.
func TestSharesAreFairAndMoveAsLittleAsCanBe(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := kapivara.Survey{}
		for i := range rapid.IntRange(1, 9).Draw(r, "living") {
			has := rapid.IntRange(0, 5).Draw(r, "has")
			s.Living = append(s.Living, kapivara.Load{Dispatcher: int32(10 * (i + 1)), Duties: has}) //nolint:gosec // small
			s.Subscribers += has
		}
		s.Subscribers += rapid.IntRange(0, 9).Draw(r, "free")
		least, most, sum, moved := s.Subscribers, 0, 0, 0
		for _, l := range s.Living {
			share := s.Share(l.Dispatcher)
			least, most, sum = min(least, share), max(most, share), sum+share
			moved += max(l.Duties-share, 0)
		}
		if sum != s.Subscribers || most-least > 1 {
			r.Fatalf("%+v: the shares are %d to %d and %d together", s, least, most, sum)
		}
		// Nobody keeps more than the larger share, and only so many have the larger one: that is the least that must move.
		must, larger := 0, s.Subscribers%len(s.Living)
		for _, l := range slices.SortedFunc(slices.Values(s.Living), func(a, b kapivara.Load) int { return b.Duties - a.Duties }) {
			keeps := s.Subscribers / len(s.Living)
			if larger > 0 {
				keeps, larger = keeps+1, larger-1
			}
			must += max(l.Duties-keeps, 0)
		}
		if moved != must {
			r.Errorf("%+v: %d duties move, want %d", s, moved, must)
		}
	})
}

// Dispatchers that join, die and come back, each seeing only its own survey, end with fair shares and then rest.
func TestBalancingComesToRest(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		subscribers := rapid.IntRange(0, 20).Draw(r, "subscribers")
		has := map[int32][]int32{}
		free := []int32{}
		for no := range subscribers {
			free = append(free, int32(no)) //nolint:gosec // small
		}
		for range rapid.IntRange(1, 6).Draw(r, "changes") {
			run := int32(rapid.IntRange(1, 5).Draw(r, "dispatcher")) //nolint:gosec // small
			if duties, lives := has[run]; lives && len(has) > 1 && rapid.Bool().Draw(r, "dies") {
				free = append(free, duties...)
				delete(has, run)
			} else if !lives {
				has[run] = nil
			}
			moves := 1
			for rounds := 0; moves > 0; rounds++ {
				if rounds > 5 {
					r.Fatalf("%v with %v free: no rest after %d rounds", has, free, rounds)
				}
				moves = 0
				for run := range has {
					s := survey(has, free, subscribers, run)
					take, give := s.Balance(run)
					moves += len(take) + give
					free = slices.DeleteFunc(free, func(no int32) bool { return slices.Contains(take, no) })
					free = append(free, has[run][:give]...)
					has[run] = append(slices.Clone(has[run][give:]), take...)
				}
			}
			for run, duties := range has {
				if n := len(duties); n != subscribers/len(has) && n != subscribers/len(has)+1 {
					r.Errorf("dispatcher %d has %d of %d among %d", run, n, subscribers, len(has))
				}
			}
			if len(free) != 0 {
				r.Errorf("nobody works for %v", free)
			}
		}
	})
}

func survey(has map[int32][]int32, free []int32, subscribers int, me int32) *kapivara.Survey {
	s := &kapivara.Survey{Subscribers: subscribers, Free: slices.Clone(free)}
	for run, duties := range has {
		s.Living = append(s.Living, kapivara.Load{Dispatcher: run, Duties: len(duties)})
		for _, no := range duties {
			if run == me {
				s.Mine = append(s.Mine, kapivara.Duty{Subscriber: no, Epoch: 1})
			}
		}
	}
	return s
}

func TestWhoeverDoesNotLiveTakesAndGivesNothing(t *testing.T) {
	s := kapivara.Survey{
		Subscribers: 2, Free: []int32{1}, Mine: []kapivara.Duty{{Subscriber: 2}}, Living: []kapivara.Load{{Dispatcher: 7}},
	}
	if take, give := s.Balance(8); len(take) != 0 || give != 0 || s.Share(8) != 0 {
		t.Errorf("it takes %v and gives %d", take, give)
	}
}
