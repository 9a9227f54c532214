package kapivara

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A head says of a set of positions what a plain set says, in whatever order they came.
func TestAHeadIsASetOfPositions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		positions := rapid.SliceOfDistinct(rapid.IntRange(1, 30), rapid.ID[int]).Draw(rt, "positions")
		var h Head
		set := map[int]bool{}
		for _, p := range positions {
			if h.Has(p) {
				rt.Fatalf("it has %d before it came", p)
			}
			h.Add(p, false)
			set[p] = true
			wantHead(rt, &h, set)
		}
	})
}

func wantHead(rt *rapid.T, h *Head, set map[int]bool) {
	version, contiguous := 0, 0
	for p := range set {
		version = max(version, p)
	}
	for set[contiguous+1] {
		contiguous++
	}
	if h.Version != version || h.Contiguous != contiguous {
		rt.Fatalf("version %d, contiguous %d; want %d and %d", h.Version, h.Contiguous, version, contiguous)
	}
	var missing []int
	for p := 1; p <= version+1; p++ {
		if h.Has(p) != set[p] {
			rt.Fatalf("has %d: %v", p, h.Has(p))
		}
		if !set[p] && p < version {
			missing = append(missing, p)
		}
	}
	var got []int
	holes := h.Missing(1000)
	for i, r := range holes {
		if r.From > r.To || i > 0 && r.From <= holes[i-1].To+1 {
			rt.Fatalf("holes %v", holes)
		}
		for p := r.From; p <= r.To; p++ {
			got = append(got, p)
		}
	}
	if !slices.Equal(got, missing) {
		rt.Fatalf("missing %v, want %v", got, missing)
	}
	if few := h.Missing(2); len(few) != min(2, len(holes)) {
		rt.Fatalf("at most 2 holes of %v: %v", holes, few)
	}
}

func TestAHeadIsCompleteWhenAllUpToTheFinishIsThere(t *testing.T) {
	t.Parallel()
	for range 50 {
		var h Head
		order := rand.Perm(9)
		for i, p := range order {
			if h.Complete() {
				t.Fatalf("complete after %d of 9", i)
			}
			h.Add(p+1, p+1 == 9)
		}
		if !h.Complete() || h.Finish != 9 || len(h.Above) != 0 {
			t.Fatalf("not complete after all: %+v", h)
		}
	}
}

func TestACloneSharesNothing(t *testing.T) {
	t.Parallel()
	h := &Head{Above: []Range{{3, 4}}, Types: []StoredType{{"a", 2}}}
	c := h.Clone()
	c.Above[0].From, c.Types[0].Type = 9, "b"
	if h.Above[0].From != 3 || h.Types[0].Type != "a" {
		t.Errorf("the clone changed the head: %+v", h)
	}
	h.AddType("a", 3)
	h.AddType("b", 5)
	h.AddType("b", 1)
	if !slices.Equal(h.Types, []StoredType{{"a", 2}, {"b", 1}}) {
		t.Errorf("types %v", h.Types)
	}
}

func TestARangeIsAPairInJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal([]Range{{3, 3}, {5, 6}})
	if err != nil || string(text) != "[[3,3],[5,6]]" {
		t.Errorf("%s, %v", text, err)
	}
	var back []Range
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, []Range{{3, 3}, {5, 6}}) {
		t.Errorf("%v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`["x"]`), &back); err == nil {
		t.Error("a range of text is taken")
	}
}
