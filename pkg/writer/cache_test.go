package writer

import (
	"strconv"
	"testing"

	"kapivara/pkg/kapivara"
)

func TestTheCacheRemembersAtLeastNAndAtMostTwice(t *testing.T) {
	t.Parallel()
	const n = 10
	r := newRecent[int, int](n)
	for i := range 100 {
		r.put(i, i)
		if held := len(r.now) + len(r.older); held > 2*n {
			t.Fatalf("after %d it holds %d, want at most %d", i+1, held, 2*n)
		}
		for back := range min(n, i+1) {
			if v, ok := r.peek(i - back); !ok || v != i-back {
				t.Fatalf("after %d it has forgotten %d", i, i-back)
			}
		}
	}
}

// peek looks without remembering longer.
func (r *recent[K, V]) peek(key K) (V, bool) {
	if v, ok := r.now[key]; ok {
		return v, true
	}
	v, ok := r.older[key]
	return v, ok
}

func TestTheCacheKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	r := newRecent[int, string](4)
	r.put(0, "used")
	for i := 1; i < 50; i++ {
		r.put(i, "other")
		if _, ok := r.get(0); !ok {
			t.Fatalf("forgotten after %d others, though it was used each time", i)
		}
	}
	r.drop(0)
	if _, ok := r.get(0); ok {
		t.Error("dropped, and still there")
	}
	r.clear()
	if len(r.now)+len(r.older) != 0 {
		t.Error("cleared, and not empty")
	}
}

func TestTheIDsSeenLatelyAreKnownUntilDropped(t *testing.T) {
	t.Parallel()
	const n = 1000
	r := newRecentIDs(n)
	id := func(i int) kapivara.EventID { return kapivara.EventID("event-" + strconv.Itoa(i)) }
	for i := range n {
		if r.has(id(i)) {
			t.Fatalf("%s is known before it was put", id(i))
		}
		r.put(id(i))
	}
	for i := range n {
		if !r.has(id(i)) {
			t.Fatalf("%s is forgotten", id(i))
		}
	}
	if r.drop(id(7)); r.has(id(7)) {
		t.Error("it is known after it was dropped")
	}
}
