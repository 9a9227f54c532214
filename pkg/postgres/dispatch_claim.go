package postgres

import (
	"context"
	_ "embed"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/dispatch_nodes.sql
	dispatchNodesSQL string
	//go:embed sql/dispatch_keep_nodes.sql
	dispatchKeepNodesSQL string
	//go:embed sql/dispatch_drop_nodes.sql
	dispatchDropNodesSQL string
	//go:embed sql/dispatch_claim.sql
	dispatchClaimSQL string
)

// Nodes gives the nodes that claim buckets of the subscribers.
func (d *Dispatch) Nodes(ctx context.Context, subscribers []int32) (nodes []kapivara.ClaimNode, err error) {
	ctx, cancel := context.WithTimeout(ctx, dispatchTimeout)
	defer cancel()
	rows, err := d.pool.Query(ctx, dispatchNodesSQL, subscribers)
	if err == nil {
		err = readEach(rows, func(rows pgx.Rows) error {
			var n kapivara.ClaimNode
			var wanted []int16
			if err := rows.Scan(&n.Subscriber, &n.Node, &n.Most, &wanted, &n.Until); err != nil {
				return err
			}
			n.Until = n.Until.UTC()
			for _, b := range wanted {
				n.Wanted = append(n.Wanted, kapivara.Bucket(b))
			}
			nodes = append(nodes, n)
			return nil
		})
	}
	if err != nil {
		return nil, dispatchError("read the nodes", err, false)
	}
	return nodes, nil
}

func dispatchQueueClaims(batch *pgx.Batch, buckets []kapivara.BucketChange) {
	var nos []int32
	var owners []string
	var epochs []int64
	for _, b := range buckets {
		if b.Claim != nil {
			nos, owners, epochs = append(nos, b.No), append(owners, b.Claim.Owner), append(epochs, b.Claim.Epoch)
		}
	}
	if len(nos) > 0 {
		batch.Queue(dispatchClaimSQL, nos, owners, epochs)
	}
}

func dispatchQueueNodes(batch *pgx.Batch, changes []kapivara.NodeChange) {
	var kept, dropped []int32
	var keptNames, droppedNames []string
	var most []*int32
	var wanted []*string
	var ttls []int64
	for i := range changes {
		c := &changes[i]
		if c.TTL <= 0 {
			dropped, droppedNames = append(dropped, c.Subscriber), append(droppedNames, c.Node)
			continue
		}
		kept, keptNames, ttls = append(kept, c.Subscriber), append(keptNames, c.Node), append(ttls, c.TTL.Microseconds())
		most = append(most, dispatchMost(c.Most))
		wanted = append(wanted, dispatchWanted(c.Wanted))
	}
	if len(dropped) > 0 {
		batch.Queue(dispatchDropNodesSQL, dropped, droppedNames)
	}
	if len(kept) > 0 {
		batch.Queue(dispatchKeepNodesSQL, kept, keptNames, most, wanted, ttls)
	}
}

func dispatchMost(n int) *int32 {
	if n == 0 {
		return nil
	}
	most := int32(n) //nolint:gosec // at most 2048
	return &most
}

// dispatchWanted are buckets in one text, since an array of arrays of many lengths cannot be sent.
func dispatchWanted(buckets []kapivara.Bucket) *string {
	if buckets == nil {
		return nil
	}
	texts := make([]string, len(buckets))
	for i, b := range buckets {
		texts[i] = strconv.Itoa(int(b))
	}
	text := strings.Join(texts, ",")
	return &text
}
