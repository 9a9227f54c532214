package kapivara

import (
	"encoding/json"
	"slices"
	"sort"
)

// Range is a stretch of positions, both ends included. In JSON it is [from, to].
type Range struct{ From, To int }

// MarshalJSON writes [from,to].
func (r Range) MarshalJSON() ([]byte, error) { return json.Marshal([2]int{r.From, r.To}) }

// UnmarshalJSON reads [from,to].
func (r *Range) UnmarshalJSON(b []byte) error {
	var p [2]int
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	r.From, r.To = p[0], p[1]
	return nil
}

// Head is what an append must know of its stream. The zero value with a name is a stream that has no event.
type Head struct {
	No         int64 // the store's number of the stream, 0 while it is not stored
	Stream     Stream
	Version    int // highest stored position
	Contiguous int // largest n with 1..n all stored
	Finish     int // finish position, 0 while unknown
	Canary     bool
	// Above are the stored stretches above Contiguous, ascending, with a hole before each.
	Above []Range
	// Types are the event types stored in the stream, without order or repeats.
	Types []StoredType
	// Completed is the log position of the event that completed the stream, 0 until then.
	Completed int64
	// Saved is the Contiguous that the stored row of the stream is known to hold.
	Saved int
}

// Complete tells whether the finish position is known and 1..finish are all stored.
func (h *Head) Complete() bool { return h.Finish > 0 && h.Contiguous == h.Finish }

// Has tells whether the position is stored.
func (h *Head) Has(position int) bool {
	if position <= h.Contiguous {
		return position > 0
	}
	i := h.above(position)
	return i < len(h.Above) && h.Above[i].From <= position
}

// above is the index of the first stretch that ends at or after the position.
func (h *Head) above(position int) int {
	return sort.Search(len(h.Above), func(i int) bool { return h.Above[i].To >= position })
}

// Add stores a position that the head does not have.
func (h *Head) Add(position int, final bool) {
	h.Version = max(h.Version, position)
	if final {
		h.Finish = position
	}
	if position == h.Contiguous+1 {
		h.Contiguous = position
		if len(h.Above) > 0 && h.Above[0].From == position+1 {
			h.Contiguous = h.Above[0].To
			h.Above = slices.Delete(h.Above, 0, 1)
		}
		return
	}
	i := h.above(position)
	joinsLower := i > 0 && h.Above[i-1].To == position-1
	joinsUpper := i < len(h.Above) && h.Above[i].From == position+1
	switch {
	case joinsLower && joinsUpper:
		h.Above[i-1].To = h.Above[i].To
		h.Above = slices.Delete(h.Above, i, i+1)
	case joinsLower:
		h.Above[i-1].To = position
	case joinsUpper:
		h.Above[i].From = position
	default:
		h.Above = slices.Insert(h.Above, i, Range{position, position})
	}
}

// StoredType is an event type of a stream, and the lowest position at which it is stored.
type StoredType struct {
	Type  string
	First int
}

// AddType notes that an event of the type is stored at the position.
func (h *Head) AddType(name string, position int) {
	for i := range h.Types {
		if h.Types[i].Type == name {
			h.Types[i].First = min(h.Types[i].First, position)
			return
		}
	}
	h.Types = append(h.Types, StoredType{name, position})
}

// Missing lists the first holes, at most limit of them: the positions below the version, or below the finish position
// where that is known, that are not stored.
func (h *Head) Missing(limit int) []Range {
	var holes []Range
	next := h.Contiguous + 1
	for _, r := range h.Above {
		if len(holes) == limit {
			return holes
		}
		holes = append(holes, Range{next, r.From - 1})
		next = r.To + 1
	}
	return holes
}

// Clone is a copy that shares nothing with h.
func (h *Head) Clone() *Head {
	c := *h
	c.Above = slices.Clone(h.Above)
	c.Types = slices.Clone(h.Types)
	return &c
}
