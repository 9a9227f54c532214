package kapivara

import (
	"cmp"
	"slices"
	"time"
)

// The bounds of a claim's ttl (protocol section 7).
const (
	MinClaimTTL = time.Second
	MaxClaimTTL = 5 * time.Minute
)

// ClaimRequest is a node's wish for buckets of a subscriber: at most Count of them, or these Buckets, or, where neither is
// given, all. It holds for TTL from when it is stored, and takes the place of the node's wish before.
type ClaimRequest struct {
	Node    string
	Count   int      // 0 = not given
	Buckets []Bucket // nil = not given
	TTL     time.Duration
}

// Check refuses what is no claim.
func (r *ClaimRequest) Check() error {
	switch {
	case r.TTL < MinClaimTTL || r.TTL > MaxClaimTTL:
		return Invalid("ttl", "ttl is 1s to 5m")
	case r.Count != 0 && r.Buckets != nil:
		return Invalid("count", "a claim has count or buckets, not both; without either it is for all buckets")
	case r.Count < 0 || r.Count > 2*MaxBuckets:
		return Invalid("count", "count is 1 to %d", 2*MaxBuckets)
	case r.Buckets != nil && len(r.Buckets) == 0:
		return Invalid("buckets", "buckets names at least one; leave it out for all")
	}
	return CheckToken("node", "a node", r.Node)
}

// ReleaseRequest gives buckets back: these, or, where Buckets is nil, all that the node has, and its wish with them.
type ReleaseRequest struct {
	Node    string
	Buckets []Bucket
}

// Check refuses what is no release.
func (r *ReleaseRequest) Check() error {
	if r.Buckets != nil && len(r.Buckets) == 0 {
		return Invalid("buckets", "buckets names at least one; leave it out for all")
	}
	return CheckToken("node", "a node", r.Node)
}

// Claimed is a bucket that a node has. Its epoch is part of the tokens that the node is sent.
type Claimed struct {
	Bucket Bucket
	Epoch  int64
}

// Claimant is a living node and what it wants.
type Claimant struct {
	Node    string
	Most    int      // at most so many, 0 = without limit
	Wanted  []Bucket // these alone, nil = any
	Without []Bucket // not these, although it wants them
}

// Claimant is the node of the request, with what it wants.
func (r *ClaimRequest) Claimant() Claimant {
	return Claimant{Node: r.Node, Most: r.Count, Wanted: r.Buckets}
}

// Share gives each bucket its owner; one that nobody wants is not in the result. As many buckets as can be have an owner,
// and beyond what the nodes want the loads are as even as can be: within 1 where all want any. What need not move stays
// with its present owner. The result depends on nothing but the arguments, and not on their order.
func Share(buckets []Bucket, present map[Bucket]string, nodes []Claimant) map[Bucket]string {
	s := newSharing(buckets, present, nodes)
	for b := range s.buckets {
		if s.owner[b] < 0 {
			s.place(b)
		}
	}
	for s.level() {
	}
	owners := make(map[Bucket]string, len(s.buckets))
	for b, n := range s.owner {
		if n >= 0 {
			owners[s.buckets[b]] = s.nodes[n].Node
		}
	}
	return owners
}

// sharing is a sharing being worked out. Nodes and buckets are called by their places in the sorted lists.
type sharing struct {
	buckets []Bucket
	nodes   []Claimant
	wants   [][]bool // by node and bucket
	present []int    // of each bucket, -1 for none that lives
	owner   []int    // of each bucket, -1 for none
	load    []int    // of each node
}

// newSharing begins with what the present owners may keep.
func newSharing(buckets []Bucket, present map[Bucket]string, nodes []Claimant) *sharing {
	s := &sharing{buckets: slices.Clone(buckets), nodes: slices.Clone(nodes), load: make([]int, len(nodes))}
	slices.SortFunc(s.buckets, func(a, b Bucket) int { return cmp.Compare(a.Order(), b.Order()) })
	slices.SortFunc(s.nodes, func(a, b Claimant) int { return cmp.Compare(a.Node, b.Node) })
	place := make(map[string]int, len(nodes))
	for n := range s.nodes {
		place[s.nodes[n].Node] = n
		s.wants = append(s.wants, s.nodes[n].wants(s.buckets))
	}
	for b, bucket := range s.buckets {
		owner, lives := place[present[bucket]]
		if !lives {
			owner = -1
		}
		s.present = append(s.present, owner)
		if lives && s.wants[owner][b] && s.room(owner) {
			s.load[owner]++
		} else {
			owner = -1
		}
		s.owner = append(s.owner, owner)
	}
	return s
}

func (c *Claimant) wants(buckets []Bucket) []bool {
	wanted := make([]bool, len(buckets))
	for b, bucket := range buckets {
		wanted[b] = (c.Wanted == nil || slices.Contains(c.Wanted, bucket)) && !slices.Contains(c.Without, bucket)
	}
	return wanted
}

func (s *sharing) room(n int) bool { return s.nodes[n].Most == 0 || s.load[n] < s.nodes[n].Most }

func (s *sharing) give(b, n int) {
	if s.owner[b] >= 0 {
		s.load[s.owner[b]]--
	}
	s.owner[b] = n
	s.load[n]++
}
