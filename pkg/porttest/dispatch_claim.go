package porttest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
)

// give writes a turn that gives the bucket to somebody.
func (d *desk) give(c kapivara.Claim) error {
	d.t.Helper()
	change := kapivara.BucketChange{No: d.row.No, Version: d.row.Version, Sent: d.row.Sent, Floor: d.row.Floor, Claim: &c}
	_, err := d.Turn(d.ctx, &kapivara.Turn{Hold: d.hold, Buckets: []kapivara.BucketChange{change}})
	if err == nil {
		d.row.Version++
	}
	return err
}

func (d *desk) claim() kapivara.Claim {
	d.t.Helper()
	rows, _, err := d.Buckets(d.ctx, []string{"billing"})
	if err != nil || len(rows) != 1 {
		d.t.Fatalf("buckets: %v, %v", rows, err)
	}
	return rows[0].Claim
}

// I-16: the epoch of a claim only grows.
func dispatchClaim(t *testing.T, d *desk) {
	if c := d.claim(); c != (kapivara.Claim{}) {
		t.Errorf("a new bucket is claimed: %+v", c)
	}
	for _, c := range []kapivara.Claim{{Owner: "n1", Epoch: 1}, {Owner: "n2", Epoch: 2}, {Epoch: 3}, {Owner: "n2", Epoch: 7}} {
		if err := d.give(c); err != nil {
			t.Fatalf("give to %q: %v", c.Owner, err)
		}
		if got := d.claim(); got != c {
			t.Errorf("got %+v, want %+v", got, c)
		}
	}
	for _, epoch := range []int64{7, 6, 0} {
		if err := d.give(kapivara.Claim{Owner: "n3", Epoch: epoch}); !errors.Is(err, kapivara.ErrStaleTurn) {
			t.Errorf("epoch %d after 7: got error %v, want a stale turn", epoch, err)
		}
	}
	d.delivery("a/b/c/1") // a turn that says nothing of it leaves the claim
	if got := d.claim(); got != (kapivara.Claim{Owner: "n2", Epoch: 7}) {
		t.Errorf("got %+v after another turn, want n2 and 7", got)
	}
}

func dispatchNodes(t *testing.T, d *desk) {
	nodes := func(changes ...kapivara.NodeChange) (time.Time, []kapivara.ClaimNode) {
		t.Helper()
		now, err := d.Turn(d.ctx, &kapivara.Turn{Hold: d.hold, Nodes: changes})
		if err != nil {
			t.Fatal(err)
		}
		nodes, err := d.Nodes(d.ctx, []int32{d.subscriber, 999})
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(nodes, func(a, b kapivara.ClaimNode) int { return int(a.Until.Sub(b.Until)) })
		return now, nodes
	}
	node := func(name string, ttl time.Duration, most int, wanted ...kapivara.Bucket) kapivara.NodeChange {
		return kapivara.NodeChange{
			Subscriber: d.subscriber, TTL: ttl, Claimant: kapivara.Claimant{Node: name, Most: most, Wanted: wanted},
		}
	}
	now, got := nodes(node("n1", time.Second, 0), node("n2", 2*time.Second, 4), node("n3", 3*time.Second, 0, 5, -1))
	if len(got) != 3 {
		t.Fatalf("got %+v, want three nodes", got)
	}
	for i, want := range []kapivara.ClaimNode{
		{Claimant: kapivara.Claimant{Node: "n1"}},
		{Claimant: kapivara.Claimant{Node: "n2", Most: 4}},
		{Claimant: kapivara.Claimant{Node: "n3", Wanted: []kapivara.Bucket{5, -1}}},
	} {
		g := got[i]
		if g.Node != want.Node || g.Most != want.Most || !slices.Equal(g.Wanted, want.Wanted) || (g.Wanted == nil) != (want.Wanted == nil) ||
			!g.Until.Equal(now.Add(time.Duration(i+1)*time.Second)) || g.Subscriber != d.subscriber {
			t.Errorf("got %+v, want %+v, %d seconds after %v", g, want, i+1, now)
		}
	}
	now, got = nodes(node("n1", 0, 0), node("n2", time.Minute, 0, 2), node("gone", 0, 0))
	if len(got) != 2 || got[1].Node != "n2" || got[1].Most != 0 || len(got[1].Wanted) != 1 || !got[1].Until.Equal(now.Add(time.Minute)) {
		t.Errorf("got %+v, want n3 as it was and n2 for a minute", got)
	}
	stranger := node("n1", time.Minute, 0)
	stranger.Subscriber = 999
	if _, got = nodes(stranger); len(got) != 2 {
		t.Errorf("got %+v, want no node of a subscriber that is not there", got)
	}
}
