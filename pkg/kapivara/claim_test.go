package kapivara_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

func TestTwoNodesShareEvenlyAndTheFirstKeepsItsHalf(t *testing.T) {
	t.Parallel()
	buckets := numbers(4, 2)
	alone := kapivara.Share(buckets, nil, []kapivara.Claimant{{Node: "a"}})
	if len(alone) != 6 {
		t.Fatalf("a node alone has %d of 6 buckets, canary ones included", len(alone))
	}
	both := kapivara.Share(buckets, alone, []kapivara.Claimant{{Node: "a"}, {Node: "b"}})
	if load := loads(both); load["a"] != 3 || load["b"] != 3 {
		t.Errorf("got %v, want 3 each", load)
	}
	back := kapivara.Share(buckets, both, []kapivara.Claimant{{Node: "b"}})
	if load := loads(back); load["b"] != 6 {
		t.Errorf("got %v after a has gone, want all with b", load)
	}
}

func TestWantsAreHonouredAndMakeRoomForOthers(t *testing.T) {
	t.Parallel()
	// a has what b wants alone; it passes that on and takes what nobody has.
	got := kapivara.Share(numbers(2, 0), map[kapivara.Bucket]string{0: "a"}, []kapivara.Claimant{
		{Node: "a", Most: 1}, {Node: "b", Wanted: []kapivara.Bucket{0}},
	})
	if want := (map[kapivara.Bucket]string{0: "b", 1: "a"}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	got = kapivara.Share(numbers(3, 0), nil, []kapivara.Claimant{{Node: "a", Wanted: []kapivara.Bucket{0, 2, 9}, Without: []kapivara.Bucket{2}}})
	if want := (map[kapivara.Bucket]string{0: "a"}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestSharingIsEvenStickyAndComplete holds the rule of sharing against its promises, whatever nodes want and have.
func TestSharingIsEvenStickyAndComplete(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		buckets := numbers(rapid.IntRange(1, 12).Draw(r, "buckets"), rapid.IntRange(0, 4).Draw(r, "canary"))
		plain := rapid.Bool().Draw(r, "all want any")
		nodes := drawNodes(r, buckets, plain)
		present := map[kapivara.Bucket]string{}
		for _, b := range buckets {
			if n := rapid.IntRange(0, 7).Draw(r, "owner"); n > 0 {
				present[b] = fmt.Sprint("n", n)
			}
		}
		got := kapivara.Share(buckets, present, nodes)
		shuffled := rapid.Permutation(nodes).Draw(r, "order")
		if again := kapivara.Share(rapid.Permutation(buckets).Draw(r, "bucket order"), present, shuffled); !maps.Equal(got, again) {
			r.Fatalf("another order gives %v, not %v", again, got)
		}
		if again := kapivara.Share(buckets, got, nodes); !maps.Equal(got, again) {
			r.Fatalf("sharing again moves %v to %v", got, again)
		}
		checkWants(r, got, nodes)
		checkLocal(r, buckets, got, nodes)
		if plain && len(nodes) > 0 {
			if moved, least := moves(got, present, nodes), leastMoves(buckets, present, nodes); moved != least {
				r.Fatalf("%d buckets move from living nodes, %d would do: %v to %v", moved, least, present, got)
			}
		}
	})
}

func numbers(normal, canary int) (buckets []kapivara.Bucket) {
	for b := -canary; b < normal; b++ {
		buckets = append(buckets, kapivara.Bucket(b))
	}
	return buckets
}

func loads(owners map[kapivara.Bucket]string) map[string]int {
	load := map[string]int{}
	for _, n := range owners {
		load[n]++
	}
	return load
}

func drawNodes(r *rapid.T, buckets []kapivara.Bucket, plain bool) (nodes []kapivara.Claimant) {
	for i := range rapid.IntRange(0, 6).Draw(r, "nodes") {
		n := kapivara.Claimant{Node: fmt.Sprint("n", i+1)}
		if !plain {
			n.Most = rapid.IntRange(0, 4).Draw(r, "most")
			if rapid.Bool().Draw(r, "picks") {
				n.Wanted = rapid.SliceOfN(rapid.SampledFrom(buckets), 1, 5).Draw(r, "wanted")
			}
			n.Without = rapid.SliceOfN(rapid.SampledFrom(buckets), 0, 2).Draw(r, "without")
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func wants(n kapivara.Claimant, b kapivara.Bucket) bool {
	return (n.Wanted == nil || slices.Contains(n.Wanted, b)) && !slices.Contains(n.Without, b)
}

func checkWants(r *rapid.T, got map[kapivara.Bucket]string, nodes []kapivara.Claimant) {
	load := loads(got)
	by := map[string]kapivara.Claimant{}
	for _, n := range nodes {
		by[n.Node] = n
		if n.Most > 0 && load[n.Node] > n.Most {
			r.Fatalf("%s has %d, wants at most %d", n.Node, load[n.Node], n.Most)
		}
	}
	for b, name := range got {
		if n, lives := by[name]; !lives || !wants(n, b) {
			r.Fatalf("bucket %s is with %q, which does not want it", b, name)
		}
	}
}

// checkLocal makes sure that nothing is left undone that could be: by a search of its own, over all nodes that can be
// reached by passing buckets on, no free bucket finds room, and no node finds one with two less.
func checkLocal(r *rapid.T, buckets []kapivara.Bucket, got map[kapivara.Bucket]string, nodes []kapivara.Claimant) {
	load := loads(got)
	reach := map[string]map[string]bool{}
	for _, n := range nodes {
		reach[n.Node] = map[string]bool{n.Node: true}
	}
	for range nodes {
		for _, from := range nodes {
			for _, via := range nodes {
				for _, to := range nodes {
					for b, owner := range got {
						if reach[from.Node][via.Node] && owner == via.Node && wants(to, b) {
							reach[from.Node][to.Node] = true
						}
					}
				}
			}
		}
	}
	room := func(n kapivara.Claimant) bool { return n.Most == 0 || load[n.Node] < n.Most }
	for _, from := range nodes {
		for _, to := range nodes {
			if !reach[from.Node][to.Node] || !room(to) {
				continue
			}
			if load[from.Node] >= load[to.Node]+2 {
				r.Fatalf("%s has %d and %s %d, which could take one", from.Node, load[from.Node], to.Node, load[to.Node])
			}
			for _, b := range buckets {
				if _, owned := got[b]; !owned && wants(from, b) {
					r.Fatalf("bucket %s has no owner, and %s has room for what %s could pass on", b, to.Node, from.Node)
				}
			}
		}
	}
}

// moves counts the buckets that go from one living node to another.
func moves(got, present map[kapivara.Bucket]string, nodes []kapivara.Claimant) (n int) {
	for b, owner := range got {
		alive := slices.ContainsFunc(nodes, func(c kapivara.Claimant) bool { return c.Node == present[b] })
		if alive && owner != present[b] {
			n++
		}
	}
	return n
}

// leastMoves is how many must move where everybody wants any bucket: what is above the even share, where those with the
// most get the larger shares.
func leastMoves(buckets []kapivara.Bucket, present map[kapivara.Bucket]string, nodes []kapivara.Claimant) (n int) {
	load := loads(present)
	had := make([]int, 0, len(nodes))
	for _, c := range nodes {
		had = append(had, load[c.Node])
	}
	slices.SortFunc(had, func(a, b int) int { return b - a })
	share, larger := len(buckets)/len(nodes), len(buckets)%len(nodes)
	for i, h := range had {
		most := share
		if i < larger {
			most++
		}
		n += max(h-most, 0)
	}
	return n
}

func TestAClaimIsCheckedByName(t *testing.T) {
	t.Parallel()
	good := kapivara.ClaimRequest{Node: "node-1", TTL: 10 * time.Second}
	for path, change := range map[string]func(*kapivara.ClaimRequest){
		"":        func(*kapivara.ClaimRequest) {},
		"node":    func(r *kapivara.ClaimRequest) { r.Node = "a.b" },
		"ttl":     func(r *kapivara.ClaimRequest) { r.TTL = 999 * time.Millisecond },
		"count":   func(r *kapivara.ClaimRequest) { r.Count, r.Buckets = 1, []kapivara.Bucket{1} },
		"buckets": func(r *kapivara.ClaimRequest) { r.Buckets = []kapivara.Bucket{} },
	} {
		r := good
		change(&r)
		err := r.Check()
		if got := pathOf(err); got != path || (err == nil) != (path == "") {
			t.Errorf("got %v for %q", err, path)
		}
	}
}

func pathOf(err error) string {
	if e, ok := err.(*kapivara.Error); ok { //nolint:errorlint // nothing wraps it
		return e.Facts.Path
	}
	return ""
}
