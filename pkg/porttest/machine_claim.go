package porttest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

// owners are what the world knows of its claims: who had a bucket at which epoch, who committed under which one, and which
// nodes do not listen.
type owners struct {
	away      map[string]bool
	at        map[kapivara.Bucket]map[int64]string
	last      map[kapivara.Bucket]int64
	committed map[place]int64
	nobodys   map[string]bool                    // tokens that met nobody: none can answer with them
	before    map[kapivara.Bucket]kapivara.Claim // the last turn
}

func newOwners() owners {
	return owners{
		away: map[string]bool{}, at: map[kapivara.Bucket]map[int64]string{},
		last: map[kapivara.Bucket]int64{}, committed: map[place]int64{}, nobodys: map[string]bool{},
	}
}

func drawNode(r *rapid.T) string { return fmt.Sprint("n", rapid.IntRange(1, 3).Draw(r, "node")) }

// claim has a node claim something; whatever it is told must not contradict what others were.
func (w *machine) claim(r *rapid.T) {
	request := kapivara.ClaimRequest{
		Node: drawNode(r), Count: rapid.IntRange(0, 2).Draw(r, "count"),
		TTL: rapid.SampledFrom([]time.Duration{time.Second, 5 * time.Second, 20 * time.Second}).Draw(r, "ttl"),
	}
	if request.Count == 0 && rapid.Bool().Draw(r, "picks") {
		request.Buckets = []kapivara.Bucket{kapivara.Bucket(rapid.IntRange(0, 2).Draw(r, "bucket"))}
	}
	w.link.d.Claim("billing", request, w.told(request.Node))
}

func (w *machine) release(r *rapid.T) {
	request := kapivara.ReleaseRequest{Node: drawNode(r)}
	if rapid.Bool().Draw(r, "picks") {
		request.Buckets = []kapivara.Bucket{kapivara.Bucket(rapid.IntRange(0, 2).Draw(r, "bucket"))}
	}
	w.link.d.Release("billing", request, w.told(request.Node))
}

func (w *machine) told(node string) func([]kapivara.Claimed, error) {
	return func(claimed []kapivara.Claimed, err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, c := range claimed {
			w.owned(c.Bucket, c.Epoch, node)
		}
	}
}

// owned notes that the node had the bucket at the epoch. Nobody else may have (I-16).
func (w *machine) owned(b kapivara.Bucket, epoch int64, node string) {
	if w.owners.at[b] == nil {
		w.owners.at[b] = map[int64]string{}
	}
	if other, known := w.owners.at[b][epoch]; known && other != node {
		w.faults = append(w.faults, fmt.Sprintf("bucket %s was with %q and with %q at epoch %d", b, other, node, epoch))
	}
	w.owners.at[b][epoch] = node
}

// leave has a node listen no more, or again.
func (w *machine) leave(r *rapid.T) {
	node := drawNode(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owners.away[node] = rapid.Bool().Draw(r, "away")
}

func (w *machine) tokenOf(d *kapivara.Delivery) kapivara.Token {
	token, _ := kapivara.ParseToken(w.key, d.Token)
	return token
}

// addressed holds a sending against who has the bucket.
func (w *machine) addressed(d *kapivara.Delivery) {
	epoch, claim := w.tokenOf(d).Claim, w.store.Claims(d.Subscriber)[d.Bucket]
	w.owned(d.Bucket, epoch, d.Node)
	if epoch > claim.Epoch || epoch == claim.Epoch && d.Node != claim.Owner {
		w.fault(d, "goes to %q at epoch %d, the bucket is with %q at %d", d.Node, epoch, claim.Owner, claim.Epoch)
	}
}

// fenced holds a confirmation against who has the bucket: an old epoch gets none, but for the repeat of a commit. An
// answer may be in the same turn as the end of its epoch.
func (w *machine) fenced(d *kapivara.Delivery, s kapivara.Settled) {
	epoch, claim := w.tokenOf(d).Claim, w.store.Claims(d.Subscriber)[d.Bucket]
	if s.State != kapivara.Committed {
		if epoch != claim.Epoch && epoch != w.owners.before[d.Bucket].Epoch {
			w.fault(d, "was answered at epoch %d and confirmed at %d", epoch, claim.Epoch)
		}
		return
	}
	if before, known := w.owners.committed[placeOf(d)]; known && before != epoch {
		w.fault(d, "was committed at epoch %d and at %d", before, epoch)
	}
	w.owners.committed[placeOf(d)] = epoch
}

// grown makes sure that epochs only grow.
func (w *machine) grown(r *rapid.T) {
	for b, claim := range w.store.Claims("billing") {
		if claim.Epoch < w.owners.last[b] {
			w.errorf("the epoch of bucket %s is %d after %d", b, claim.Epoch, w.owners.last[b])
		}
		w.owners.last[b] = claim.Epoch
	}
}
