package writer

import (
	"hash/maphash"

	"kapivara/pkg/kapivara"
)

// recent remembers what was used lately: at least the last n keys, at most 2n. It is two maps, of which the older is
// dropped whole, so that remembering costs one insertion and no list.
type recent[K comparable, V any] struct {
	n          int
	now, older map[K]V
}

func newRecent[K comparable, V any](n int) *recent[K, V] {
	return &recent[K, V]{n: n, now: map[K]V{}}
}

// atLeast has it remember at least the last n keys from now on.
func (r *recent[K, V]) atLeast(n int) { r.n = max(r.n, n) }

// get gives what is remembered, and remembers it longer.
func (r *recent[K, V]) get(key K) (V, bool) {
	v, ok := r.now[key]
	if ok {
		return v, true
	}
	if v, ok = r.older[key]; ok {
		r.put(key, v)
	}
	return v, ok
}

func (r *recent[K, V]) put(key K, v V) {
	if len(r.now) >= r.n {
		r.older, r.now = r.now, make(map[K]V, r.n)
	}
	r.now[key] = v
}

func (r *recent[K, V]) drop(key K) {
	delete(r.now, key)
	delete(r.older, key)
}

func (r *recent[K, V]) clear() {
	clear(r.now)
	r.older = nil
}

// recentIDs remembers event ids by their hash: without the texts the garbage collector has nothing to follow in it. Two ids
// may meet in one hash. That is only the suspicion of a repeat, which a look at the store clears up.
type recentIDs struct {
	seed   maphash.Seed
	hashes *recent[uint64, struct{}]
}

func newRecentIDs(n int) *recentIDs {
	return &recentIDs{seed: maphash.MakeSeed(), hashes: newRecent[uint64, struct{}](n)}
}

func (r *recentIDs) hash(id kapivara.EventID) uint64 { return maphash.String(r.seed, string(id)) }

func (r *recentIDs) has(id kapivara.EventID) bool {
	_, ok := r.hashes.get(r.hash(id))
	return ok
}

func (r *recentIDs) put(id kapivara.EventID) { r.hashes.put(r.hash(id), struct{}{}) }

func (r *recentIDs) drop(id kapivara.EventID) { r.hashes.drop(r.hash(id)) }
